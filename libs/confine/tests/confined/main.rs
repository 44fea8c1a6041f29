//! Each denied thing fails in a confined process, and works in the same process unconfined.
//!
//! Without a harness: the process that confines itself has one thread. Every probe is this program
//! started again with the name of a policy and of what to try.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails where it panics")]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "for the test runner and its reader"
)]

mod probes;

use std::{
    io::{BufRead as _, BufReader, Read as _},
    net::{TcpListener, TcpStream},
    os::unix::net::UnixListener,
    path::PathBuf,
    process::{Child, Command, ExitCode, Stdio},
};

const TESTS: &[(&str, fn())] = &[
    ("what_is_denied_fails_and_would_work_without", what_is_denied_fails_and_would_work_without),
    ("a_module_of_others_starts_nothing_and_sees_no_network", a_module_is_held),
    ("a_program_of_others_is_alone", a_program_of_others_is_alone),
    ("limits_hold", limits_hold),
    ("a_service_goes_on_working", a_service_goes_on_working),
    ("only_the_named_ports_are_dialled", only_the_named_ports_are_dialled),
    ("every_layer_is_applied_or_missing", every_layer_is_applied_or_missing),
    ("threads_that_run_already_are_refused", threads_that_run_already_are_refused),
    ("the_kernel_says_the_same", the_kernel_says_the_same),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let ["probe", policy, what, stage] = words[..] {
        return probes::run(policy, what, &PathBuf::from(stage));
    }
    let listing = words.contains(&"--list");
    let ignored = words.contains(&"--ignored");
    let asked = words.iter().find(|word| !listing && !word.starts_with("--"));
    for (name, test) in TESTS.iter().filter(|(name, _)| asked.is_none_or(|asked| name == asked)) {
        match (listing, ignored) {
            (_, true) => {}
            (true, false) => println!("{name}: test"),
            (false, false) => test(),
        }
    }
    ExitCode::SUCCESS
}

/// What the probes find: listeners that answer, files to read, directories to write to.
struct Stage {
    directory: tempfile::TempDir,
    _tcp: TcpListener,
    _unix: UnixListener,
}

impl Stage {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        for name in ["read", "write", "outside"] {
            std::fs::create_dir(path.join(name)).unwrap();
            std::fs::write(path.join(name).join("file"), "text").unwrap();
        }
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        std::fs::write(path.join("port"), tcp.local_addr().unwrap().port().to_string()).unwrap();
        let unix = UnixListener::bind(path.join("read/socket")).unwrap();
        Self { directory, _tcp: tcp, _unix: unix }
    }

    fn start(&self, policy: &str, what: &str) -> Child {
        Command::new(std::env::current_exe().unwrap())
            .args(["probe", policy, what])
            .arg(self.directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Whether the probe could do it; a probe that ends in another way fails the test.
    fn can(&self, policy: &str, what: &str) -> bool {
        let ended = self.start(policy, what).wait_with_output().unwrap();
        match ended.status.code() {
            Some(0) => true,
            Some(probes::REFUSED) => false,
            other => panic!("{policy} {what} ended with {other:?} ({})", ended.status),
        }
    }
}

fn what_is_denied_fails_and_would_work_without() {
    for what in probes::DENIED {
        let stage = Stage::new();
        assert!(stage.can("free", what), "{what} fails unconfined: the probe shows nothing");
        assert!(!stage.can("service", what), "{what} works in a confined service");
    }
}

fn a_module_is_held() {
    for what in ["exec", "spawn", "udp", "connect", "fast-open", "signal", "listen", "own-memory"] {
        assert!(!Stage::new().can("module", what), "{what}");
    }
    for what in ["read", "write", "thread", "unix-connect", "outside"] {
        assert!(Stage::new().can("module", what), "{what}");
    }
    assert!(Stage::new().can("module-network", "udp"));
    assert!(Stage::new().can("module-network", "connect"));
    assert!(!Stage::new().can("module-files", "outside"));
    assert!(Stage::new().can("module-files", "write"));
}

fn a_program_of_others_is_alone() {
    let denied = ["spawn", "exec-other", "connect", "udp", "unix-connect", "socket-pair", "signal"];
    for what in denied.into_iter().chain(["outside", "outside-write", "read-only", "own-memory"]) {
        assert!(Stage::new().can("free", what), "{what} fails unconfined: the probe shows nothing");
        assert!(!Stage::new().can("program", what), "{what}");
    }
    // The program that is named is the one that it may become.
    for what in ["exec", "read", "write", "thread"] {
        assert!(Stage::new().can("program", what), "{what}");
    }
}

fn limits_hold() {
    for what in ["memory", "open-files"] {
        assert!(Stage::new().can("program", what), "{what} fails unlimited");
        assert!(!Stage::new().can("limited", what), "{what}");
    }
    assert!(!Stage::new().can("limited", "raise-memory"));
}

fn a_service_goes_on_working() {
    for what in ["read", "write", "thread", "socket-pair"] {
        assert!(Stage::new().can("service", what), "{what}");
    }
    let stage = Stage::new();
    let mut child = stage.start("service", "serve");
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", line.trim().parse().unwrap())).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "served");
    assert!(child.wait().unwrap().success());
}

fn only_the_named_ports_are_dialled() {
    let stage = Stage::new();
    assert!(stage.can("dial", "connect"));
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port().to_string();
    std::fs::write(stage.directory.path().join("other-port"), port).unwrap();
    assert!(stage.can("free", "connect-other"));
    assert!(!stage.can("dial", "connect-other"));
    assert!(!stage.can("dial", "fast-open"));
    assert!(!stage.can("dial", "unix-connect"));
}

fn every_layer_is_applied_or_missing() {
    assert!(Stage::new().can("service", "nothing"));
    // On a kernel with all layers, requiring them changes nothing.
    let complete = Stage::new().can("service", "complete");
    assert_eq!(Stage::new().can("required", "nothing"), complete);
}

fn threads_that_run_already_are_refused() {
    assert!(!Stage::new().can("threads", "nothing"));
}

fn the_kernel_says_the_same() {
    let stage = Stage::new();
    let mut child = stage.start("service", "wait");
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let read = |name: &str| std::fs::read_to_string(format!("/proc/{}/{name}", child.id()));
    let (status, limits) = (read("status").unwrap(), read("limits").unwrap());
    let is = |text: &str, start: &str, end: &str| {
        text.lines().any(|line| line.starts_with(start) && line.trim_end().ends_with(end))
    };
    assert!(is(&status, "NoNewPrivs:", "\t1"), "{status}");
    assert!(is(&status, "Seccomp:", "\t2"), "{status}");
    for set in ["CapInh:", "CapPrm:", "CapEff:", "CapAmb:"] {
        assert!(is(&status, set, "\t0000000000000000"), "{status}");
    }
    assert!(
        limits.lines().any(|line| line.starts_with("Max core file size")
            && line.split_whitespace().filter(|word| *word == "0").count() == 2),
        "{limits}"
    );
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}
