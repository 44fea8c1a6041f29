//! The policies that follow from a configuration.

use super::*;

const CONFIG: &str = include_str!("../../config.example.toml");

fn config(edit: impl FnOnce(String) -> String) -> Config {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("signer.toml");
    std::fs::write(&path, edit(CONFIG.to_owned())).unwrap();
    Config::read(&path).unwrap()
}

#[test]
fn a_server_reads_directories_writes_its_state_and_dials_nobody() {
    let config = config(|text| text);
    let policy = server(&config, &["/keys".into()]);
    let files = policy.files.unwrap();
    assert_eq!(files.write, [PathBuf::from("/var/lib/aibom/signer")]);
    for read in ["/etc/aibom", "/etc/aibom/policy", "/etc/aibom/signer", "/keys"] {
        assert!(files.read.contains(&PathBuf::from(read)), "{read}: {files:?}");
    }
    assert_eq!(policy.network, Network::Tcp { listen: vec![7404, 9404], dial: vec![] });
    assert_eq!(policy.code, Code::Own);
}

#[test]
fn a_server_dials_its_collector_only() {
    let config = config(|text| text + "otlp_endpoint = \"http://127.0.0.1:4317\"\n");
    let policy = server(&config, &[]);
    assert_eq!(policy.network, Network::Tcp { listen: vec![7404, 9404], dial: vec![4317] });
    for (endpoint, port) in [
        ("http://10.0.0.1", Some(80)),
        ("http://[::1]:4317/v1", Some(4317)),
        ("http://host:x", None),
        ("host:4317", None),
    ] {
        assert_eq!(dialled(endpoint), port, "{endpoint}");
    }
}

#[test]
fn an_agent_has_no_network_and_its_named_files_only() {
    let config = config(|text| text);
    let open = agent(&config);
    assert_eq!((open.files, open.network), (None, Network::None));
    assert_eq!(open.code, Code::Foreign);
    let section = "[confine]\nrequire = true\n[confine.module]\nread = [\"/etc/pin\"]\n\
                   write = [\"/tokens\"]\nnetwork = true\n";
    let narrow = agent(&self::config(|text| text + section));
    let files = narrow.files.unwrap();
    assert!(files.read.contains(&"/etc/pin".into()) && files.read.contains(&"/usr".into()));
    assert!(!files.read.iter().any(|path| Path::new("/etc/aibom").starts_with(path)), "{files:?}");
    let own: PathBuf = "/var/lib/aibom/signer/key-agent".into();
    assert_eq!(files.write, [own, "/tokens".into()]);
    assert_eq!((narrow.network, narrow.require), (Network::Any, true));
}
