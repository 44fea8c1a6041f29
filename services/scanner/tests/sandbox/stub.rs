//! The stub that stands for Trivy: one attempt, and whether it could.

use std::{
    fs,
    io::{self, Write as _},
    net::{TcpStream, UdpSocket},
    os::unix::{net::UnixStream, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

/// The exit status of an attempt that was refused.
pub(crate) const REFUSED: i32 = 3;
/// How often it tries to start another process.
const FORKS: usize = 10_000;
const MIB: usize = 1 << 20;

/// What the sandbox must refuse; each would work without.
pub(crate) const DENIED: &[&str] = &[
    "tcp",
    "udp",
    "engine-socket",
    "system-file",
    "service-key",
    "write-outside",
    "write-database",
    "write-input",
    "replace-itself",
    "fork-10000",
    "exec",
    "signal-the-service",
    "environment-of-the-service",
];

pub(crate) fn run() -> ExitCode {
    let database = PathBuf::from(std::env::var_os("TRIVY_CACHE_DIR").unwrap());
    let text = fs::read_to_string(database.join("attempt")).unwrap();
    let (attempt, port) = text.split_once(' ').unwrap();
    match make(attempt, port.parse().unwrap(), &database) {
        Ok(()) => {
            print!("could");
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _unread = writeln!(io::stderr(), "{error}");
            ExitCode::from(3)
        }
    }
}

fn make(attempt: &str, port: u16, database: &Path) -> io::Result<()> {
    let home = PathBuf::from(std::env::var_os("HOME").unwrap());
    let stage = database.parent().unwrap();
    let service = || rustix::process::getppid().unwrap();
    let of_service =
        |what: &str| fs::File::open(format!("/proc/{}/{what}", service().as_raw_nonzero()));
    match attempt {
        "tcp" => TcpStream::connect(("127.0.0.1", port)).map(drop),
        "udp" => UdpSocket::bind("127.0.0.1:0")?.send_to(b"out", ("127.0.0.1", 9)).map(drop),
        "engine-socket" => UnixStream::connect(database.join("engine.sock")).map(drop),
        // Where only root may read it, anybody else reads a file that everybody may.
        "system-file" => fs::read("/etc/shadow").or_else(|_| fs::read("/etc/passwd")).map(drop),
        "service-key" => fs::read(stage.join("service/scanner.key.pem")).map(drop),
        "write-outside" => fs::write(stage.join("service/new"), "text"),
        "write-database" => fs::write(database.join("db/trivy.db"), "another"),
        "write-input" => fs::write(stage.join("input.tar"), "another"),
        "replace-itself" => {
            // Not this program itself: a rename beside it is refused for the same reason.
            fs::rename(stage.join("input.tar"), stage.join("moved"))
        }
        "fork-10000" => {
            let mut last = io::Error::other("never tried");
            for _ in 0..FORKS {
                match Command::new("/bin/true").spawn() {
                    Ok(mut child) => return child.wait().map(drop),
                    Err(error) => last = error,
                }
            }
            Err(last)
        }
        "exec" => Err(Command::new("/bin/echo").args(["-n", "could"]).exec()),
        "signal-the-service" => Ok(rustix::process::test_kill_process(service())?),
        "environment-of-the-service" => of_service("environ").map(drop),
        "input" => fs::read(stage.join("input.tar")).map(drop),
        "database" => fs::read(database.join("attempt")).map(drop),
        "home" => {
            fs::create_dir(home.join("new"))?;
            fs::write(home.join("new/file"), "text")?;
            fs::rename(home.join("new/file"), home.join("file"))
        }
        "threads" => {
            let threads: Vec<_> = (0..32).map(|n| std::thread::spawn(move || n)).collect();
            let sum: i32 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
            if sum == 496 { Ok(()) } else { Err(io::Error::other("threads")) }
        }
        "one-file-of-10-gb" => {
            let mut file = fs::File::create(home.join("big"))?;
            (0..10 * 1024).try_for_each(|_| file.write_all(&vec![1; MIB]))
        }
        "10-gb-in-files" => {
            let write = |n: i32| fs::write(home.join(n.to_string()), vec![1; MIB]);
            (0..10 * 1024).try_for_each(write)
        }
        "10-gb-of-memory" => {
            let pieces: Vec<_> = (0..10 * 1024).map(|_| vec![1_u8; MIB]).collect();
            Err(io::Error::other(format!("{} pieces", pieces.len())))
        }
        other => Err(io::Error::other(format!("no attempt {other}"))),
    }
}
