//! The real program: it shuts itself in, and still attests, and ends when it is told to.

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use crate::mesh::TestMesh;

/// The program, and the rest of its log.
struct Program {
    child: Child,
    log: BufReader<std::process::ChildStderr>,
}

impl Program {
    fn start(mesh: &TestMesh) -> Self {
        mesh.config_with(&mesh.fixture.trust_root());
        let mut child = Command::new(env!("CARGO_BIN_EXE_aibom-signer"))
            .arg("--config")
            .arg(mesh.directory.path().join("signer.toml"))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        Self { child, log }
    }

    /// The first line that has this in it.
    fn line(&mut self, part: &str) -> String {
        let mut read = String::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.log.read_line(&mut line).unwrap(), 0, "no {part:?} in {read}");
            if line.contains(part) {
                return line;
            }
            read += &line;
        }
    }

    fn address(&mut self) -> SocketAddr {
        let line = self.line("serving");
        let address = line.split("address=").nth(1).unwrap();
        address.split_whitespace().next().unwrap().parse().unwrap()
    }

    fn proc(&self, name: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{name}", self.child.id())).unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It fails when the program has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_is_confined_and_attests() {
    let mesh = TestMesh::new();
    let mut program = Program::start(&mesh);
    let confined = program.line("confined");
    for layer in ["no core dumps", "no new privileges", "no capabilities", "seccomp"] {
        assert!(confined.contains(layer), "{confined}");
    }
    let address = program.address();
    let status = program.proc("status");
    let has = |name: &str, value: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        assert_eq!(line.trim_start_matches(':').trim(), value, "{name}");
    };
    has("NoNewPrivs", "1");
    has("Seccomp", "2");
    for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        has(set, "0000000000000000");
    }
    let limits = program.proc("limits");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).collect::<Vec<_>>(), ["0", "0", "bytes"]);

    let mut client = mesh.client_at(address, &mesh.fixture.mesh().scheduler);
    let first = client.attest(mesh.request()).await.unwrap().into_inner();
    assert_eq!(client.attest(mesh.request()).await.unwrap().into_inner(), first);
    // The drain would wait for its connection.
    drop(client);

    let pid = rustix::process::Pid::from_child(&program.child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(program.child.wait().unwrap().success());
}
