//! The confined process: one policy, one thing to try.

use std::{
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    os::unix::{net::UnixDatagram, net::UnixStream, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use confine::{Code, Files, Limits, Network, Policy};
use rustix::net::{AddressFamily, SendFlags, SocketType};

/// The exit status of a probe that was refused what it tried.
pub(crate) const REFUSED: i32 = 3;

/// What a confined service cannot do.
pub(crate) const DENIED: &[&str] = &[
    "exec",
    "spawn",
    "connect",
    "fast-open",
    "udp",
    "unix-connect",
    "unix-datagram",
    "listen",
    "outside",
    "outside-write",
    "read-only",
    "signal",
    "own-memory",
    "raise-core",
    "unlink",
];

fn policy(name: &str, stage: &Path) -> Option<Policy> {
    let port = || std::fs::read_to_string(stage.join("port")).unwrap().parse().unwrap();
    let (read, write) = (vec![stage.join("read")], vec![stage.join("write")]);
    let files = Files { read, write, ..Files::default() };
    let tcp = |dial| Network::Tcp { listen: vec![0], dial };
    let service = |network| Policy {
        files: Some(files.clone()),
        network,
        code: Code::Own,
        require: name == "required",
    };
    let module = |files, network| Policy { files, network, code: Code::Foreign, require: false };
    match name {
        "free" => None,
        "service" | "required" | "threads" => Some(service(tcp(Vec::new()))),
        "dial" => Some(service(tcp(vec![port()]))),
        "module" => Some(module(None, Network::None)),
        "module-network" => Some(module(None, Network::Any)),
        "module-files" => Some(module(Some(files), Network::None)),
        "program" | "limited" => {
            let execute = ["/bin/true", "/lib", "/lib64", "/usr/lib"].map(PathBuf::from);
            let execute = execute.into_iter().filter(|path| path.exists()).collect();
            let files = Some(Files { execute, ..files });
            Some(Policy { files, network: Network::None, code: Code::Program, require: false })
        }
        other => panic!("no policy {other}"),
    }
}

pub(crate) fn run(name: &str, what: &str, stage: &Path) -> ExitCode {
    let ports = ["port", "other-port"].map(|file| {
        std::fs::read_to_string(stage.join(file)).map_or(0, |text| text.parse().unwrap())
    });
    // A port that was free a moment ago; only 0 is allowed.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let waiting = (name == "threads").then(|| std::thread::spawn(std::thread::park));
    if name == "limited" {
        let limits = Limits { memory_bytes: 64 << 20, file_bytes: 1 << 20, open_files: 32 };
        confine::limit(&limits).unwrap();
    }
    let missing = match policy(name, stage) {
        None => Vec::new(),
        Some(policy) => match confine::apply(&policy) {
            Ok(applied) => {
                eprintln!("{applied}");
                applied.missing
            }
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::from(3);
            }
        },
    };
    drop(waiting);
    let tried = match what {
        "complete" if missing.is_empty() => Ok(()),
        "complete" => Err(io::Error::other("incomplete")),
        what => attempt(what, stage, ports, free),
    };
    match tried {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{what}: {error}");
            ExitCode::from(3)
        }
    }
}

fn attempt(what: &str, stage: &Path, ports: [u16; 2], free: SocketAddr) -> io::Result<()> {
    let local = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let socket = stage.join("read/socket");
    match what {
        "nothing" => Ok(()),
        "exec" => Err(Command::new("/bin/true").exec()),
        "exec-other" => Err(Command::new("/bin/sh").args(["-c", "exit 0"]).exec()),
        "spawn" => Command::new("/bin/true").spawn()?.wait().map(drop),
        "connect" => TcpStream::connect(local(ports[0])).map(drop),
        "connect-other" => TcpStream::connect(local(ports[1])).map(drop),
        "fast-open" => fast_open(local(ports[0])),
        "udp" => UdpSocket::bind(local(0))?.send_to(b"out", local(9)).map(drop),
        "unix-connect" => UnixStream::connect(socket).map(drop),
        "unix-datagram" => {
            let to = stage.join("write/datagrams");
            let _receiver = UnixDatagram::bind(&to)?;
            UnixDatagram::pair()?.0.send_to(b"out", &to).map(drop)
        }
        "listen" => TcpListener::bind(free).map(drop),
        "outside" => std::fs::read(stage.join("outside/file")).map(drop),
        "outside-write" => std::fs::write(stage.join("outside/new"), "text"),
        "read-only" => std::fs::write(stage.join("read/file"), "other"),
        "unlink" => std::fs::remove_file(stage.join("read/file")),
        "signal" => {
            let parent = rustix::process::getppid().unwrap();
            Ok(rustix::process::test_kill_process(parent)?)
        }
        // Would let the next core dump, debugger or process of this user in again.
        "own-memory" => {
            use rustix::process::{DumpableBehavior, set_dumpable_behavior};
            Ok(set_dumpable_behavior(DumpableBehavior::Dumpable)?)
        }
        "raise-core" => {
            use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
            let most = getrlimit(Resource::Core).maximum;
            let one = Rlimit { current: Some(1), maximum: most };
            Ok(setrlimit(Resource::Core, one)?)
        }
        "read" => std::fs::read(stage.join("read/file")).map(drop),
        "memory" => Ok(Vec::<u8>::new().try_reserve_exact(128 << 20).map_err(io::Error::other)?),
        "open-files" => {
            let open = |_| std::fs::File::open(stage.join("read/file"));
            (0..64).map(open).collect::<io::Result<Vec<_>>>().map(drop)
        }
        "raise-memory" => {
            use rustix::process::{Resource, Rlimit, setrlimit};
            let most = Some(256 << 20);
            Ok(setrlimit(Resource::Data, Rlimit { current: most, maximum: most })?)
        }
        "write" => write(&stage.join("write")),
        "thread" => {
            std::thread::Builder::new().name("t".into()).spawn(|| ())?.join().unwrap();
            Ok(())
        }
        "socket-pair" => UnixStream::pair()?.0.write_all(b"x"),
        "serve" => {
            let listener = TcpListener::bind(local(0))?;
            println!("{}", listener.local_addr()?.port());
            listener.accept()?.0.write_all(b"served")
        }
        "wait" => {
            println!("waiting");
            io::stdin().read_to_end(&mut Vec::new()).map(drop)
        }
        other => panic!("no probe {other}"),
    }
}

/// What a database does to its files.
fn write(directory: &Path) -> io::Result<()> {
    let (new, old): (PathBuf, PathBuf) = (directory.join("new/a"), directory.join("new/b"));
    std::fs::create_dir(directory.join("new"))?;
    let mut file = std::fs::File::create_new(&new)?;
    file.lock()?;
    file.set_len(1 << 20)?;
    file.write_all(b"text")?;
    file.sync_all()?;
    std::fs::rename(&new, &old)?;
    std::fs::remove_file(old)
}

/// Connects by sending, which neither connect(2) nor landlock sees.
fn fast_open(to: SocketAddr) -> io::Result<()> {
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None)?;
    let flags = SendFlags::from_bits_retain(libc::MSG_FASTOPEN.cast_unsigned());
    rustix::net::sendto(&socket, b"out", flags, &to)?;
    Ok(())
}
