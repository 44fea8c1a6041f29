//! What a tool that breaks out can do in each sandbox: everything in none, nothing in a process.
//!
//! The stub tool is this very program, started as Trivy is (`image --input …`); what it tries is in
//! a file of its database. It needs no harness, and could not have one: the arguments are Trivy's.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails where it panics")]
#![expect(clippy::print_stdout, reason = "for the test runner and its reader")]

mod stub;

use std::{
    fs,
    net::TcpListener,
    os::unix::net::UnixListener,
    path::{Path, PathBuf},
    process::ExitCode,
};

use scanner::{ChildError, Config, Target, Tool};

const TESTS: &[(&str, fn())] = &[
    ("what_is_denied_works_without_a_sandbox", what_is_denied_works_without_a_sandbox),
    ("what_a_tool_needs_works_in_the_sandbox", what_a_tool_needs_works_in_the_sandbox),
    ("a_file_beyond_the_bound_ends_the_tool", a_file_beyond_the_bound_ends_the_tool),
    ("many_files_beyond_the_bound_end_the_tool", many_files_beyond_the_bound_end_the_tool),
    ("memory_beyond_the_bound_ends_the_tool", memory_beyond_the_bound_ends_the_tool),
    ("a_launcher_that_is_none_starts_no_tool", a_launcher_that_is_none_starts_no_tool),
    ("only_its_supervisor_starts_the_launcher", only_its_supervisor_starts_the_launcher),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| ["image", "rootfs"].contains(&first.as_str())) {
        return stub::run();
    }
    let has = |word: &str| arguments.iter().any(|argument| argument == word);
    let (listing, ignored) = (has("--list"), has("--ignored"));
    let asked = arguments.iter().find(|word| !listing && !word.starts_with("--"));
    for (name, test) in TESTS.iter().filter(|(name, _)| asked.is_none_or(|asked| name == asked)) {
        match (listing, ignored) {
            (_, true) => {}
            (true, false) => println!("{name}: test"),
            (false, false) => test(),
        }
    }
    ExitCode::SUCCESS
}

/// What lies around the tool: an input, a database, a scratch directory, and the service's own.
struct Stage {
    directory: tempfile::TempDir,
    _tcp: TcpListener,
    _unix: UnixListener,
}

impl Stage {
    fn new(attempt: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        for name in ["home", "database/db", "service"] {
            fs::create_dir_all(path.join(name)).unwrap();
        }
        fs::write(path.join("input.tar"), "an input").unwrap();
        fs::write(path.join("service/scanner.key.pem"), "a secret").unwrap();
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = tcp.local_addr().unwrap().port();
        let unix = UnixListener::bind(path.join("database/engine.sock")).unwrap();
        fs::write(path.join("database/attempt"), format!("{attempt} {port}")).unwrap();
        Self { directory, _tcp: tcp, _unix: unix }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn config(&self, sandbox: &str) -> Config {
        // What a dynamically linked program reads; the real tool needs none of it.
        let libraries = ["/lib", "/lib64", "/usr/lib", "/etc/ld.so.cache"];
        let libraries: Vec<_> =
            libraries.into_iter().filter(|path| Path::new(path).exists()).collect();
        let text = format!(
            r#"
            identity = {{ certificate = "-", key = "-", ca = "-" }}
            [tool]
            path = {:?}
            sandbox = "{sandbox}"
            libraries = {libraries:?}
            max_memory_bytes = 268435456
            max_scratch_bytes = 33554432
            [database]
            directory = "-"
            [scan]
            scratch_directory = "-"
            cache_directory = "-"
            "#,
            std::env::current_exe().unwrap(),
        );
        let mut config = Config::parse(&text).unwrap();
        config.tool.launcher = env!("CARGO_BIN_EXE_aibom-scanner").into();
        config
    }

    fn run(&self, config: &Config) -> Result<Vec<u8>, ChildError> {
        let (input, home, database) =
            (self.path("input.tar"), self.path("home"), self.path("database"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let tool = Tool::new(config);
        runtime.block_on(tool.scan(Target::Image(&input), &home, Some(&database)))
    }
}

/// Whether the stub could do `attempt`; one that ends in another way fails the test.
fn could(sandbox: &str, attempt: &str) -> bool {
    let stage = Stage::new(attempt);
    match stage.run(&stage.config(sandbox)) {
        Ok(said) if said == b"could" => true,
        Err(ChildError::Failed { status, stderr }) if status.code() == Some(stub::REFUSED) => {
            println!("{sandbox}: {attempt}: {stderr}");
            false
        }
        other => panic!("{sandbox} {attempt}: {other:?}"),
    }
}

fn what_is_denied_works_without_a_sandbox() {
    for attempt in stub::DENIED {
        assert!(could("none", attempt), "{attempt} fails without: the attempt shows nothing");
        assert!(!could("process", attempt), "{attempt} works in the sandbox");
    }
}

fn what_a_tool_needs_works_in_the_sandbox() {
    for attempt in ["input", "database", "home", "threads"] {
        assert!(could("process", attempt), "{attempt}");
    }
}

fn ended(attempt: &str) -> ChildError {
    let stage = Stage::new(attempt);
    let error = stage.run(&stage.config("process")).unwrap_err();
    println!("{attempt}: {error}");
    error
}

fn a_file_beyond_the_bound_ends_the_tool() {
    // By SIGXFSZ, or by the look at its directory, whichever comes first.
    match ended("one-file-of-10-gb") {
        ChildError::Scratch { limit: 33_554_432 } => {}
        ChildError::Failed { status, .. } => {
            use std::os::unix::process::ExitStatusExt as _;
            assert_eq!(status.signal(), Some(libc_sigxfsz()), "{status}");
        }
        other => panic!("{other}"),
    }
}

/// The number of SIGXFSZ.
fn libc_sigxfsz() -> i32 {
    rustix::process::Signal::XFSZ.as_raw()
}

fn many_files_beyond_the_bound_end_the_tool() {
    let error = ended("10-gb-in-files");
    assert!(matches!(error, ChildError::Scratch { limit: 33_554_432 }), "{error}");
}

fn memory_beyond_the_bound_ends_the_tool() {
    let error = ended("10-gb-of-memory");
    assert!(matches!(&error, ChildError::Failed { stderr, .. } if stderr.contains("memory")));
}

fn a_launcher_that_is_none_starts_no_tool() {
    let stage = Stage::new("input");
    let mut config = stage.config("process");
    config.tool.launcher = stage.path("missing");
    assert!(matches!(stage.run(&config).unwrap_err(), ChildError::Start(_)));
    // A place that is not there cannot be allowed: then nothing runs.
    let mut config = stage.config("process");
    config.tool.libraries = vec![stage.path("missing")];
    let error = stage.run(&config).unwrap_err();
    let named = matches!(&error, ChildError::NotConfined { said } if said.contains("missing"));
    assert!(named, "{error}");
}

fn only_its_supervisor_starts_the_launcher() {
    let ended = std::process::Command::new(env!("CARGO_BIN_EXE_aibom-scanner"))
        .args(["run-confined", "--supervisor", "1", "--memory-bytes", "1000000000"])
        .args(["--file-bytes", "1000000", "--open-files", "64", "--", "/bin/true"])
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(125));
    assert!(String::from_utf8_lossy(&ended.stderr).contains("for the scanner only"));
}
