//! The policy table against the contracts, both ways.

use std::collections::BTreeSet;

use prost::Message as _;
use prost_types::FileDescriptorSet;

use crate::topology::{Peers, Topology, TopologyError, message_limit, topology};

fn described() -> BTreeSet<String> {
    let set = FileDescriptorSet::decode(proto::DESCRIPTORS).unwrap();
    let mut methods = BTreeSet::new();
    for file in &set.file {
        for service in &file.service {
            for method in &service.method {
                let (package, service) = (file.package(), service.name());
                methods.insert(format!("{package}.{service}/{}", method.name()));
            }
        }
    }
    methods
}

#[test]
fn every_rpc_is_listed_and_every_line_is_an_rpc() {
    let listed: BTreeSet<String> = topology()
        .rules()
        .map(|rule| rule.method.clone())
        .filter(|method| !method.starts_with("grpc."))
        .collect();
    assert!(listed.len() > 20, "the table parsed");
    assert_eq!(listed, described());
}

#[test]
fn every_line_has_bounds_and_somebody_who_may_call() {
    for rule in topology().rules() {
        assert!(rule.max_request_bytes > 0, "{}", rule.method);
        assert_ne!(rule.peers, Peers::Roles(Vec::new()), "{}", rule.method);
    }
    assert!(message_limit("aibom.signer.v1.SignerService") >= 33_554_432);
    assert_eq!(message_limit("aibom.signer.v1.Signer"), 0);
}

#[test]
fn a_table_with_unknown_peers_keys_or_twins_is_refused() {
    let line = "[[rpc]]\nmethod='a.B/C'\npeers=['user']\ndeadline_ms=1\nmax_request_bytes=1\n\
                idempotent=true\n";
    assert!(Topology::parse(line).unwrap().rule("a.B/C").is_some());
    let twice = Topology::parse(&format!("{line}{line}"));
    assert!(matches!(twice, Err(TopologyError::Duplicate(_))), "{twice:?}");
    let unknown = Topology::parse(&line.replace("user", "admin"));
    assert!(matches!(unknown, Err(TopologyError::Peer { .. })), "{unknown:?}");
    assert!(Topology::parse(&format!("{line}rate=1\n")).is_err());
}
