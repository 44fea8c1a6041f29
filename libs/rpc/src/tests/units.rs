//! The parts without sockets: frames, timeouts, rates, statuses.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::{Duration, Instant},
};

use http::{HeaderMap, HeaderValue};
use tonic::{Code, Status};

use crate::{
    Coded, client_body::sanitise, describe, gate::Gate, grpc_frames::Frames, reason_of,
    refusal::Refusal, status, timeout, to_status,
};

fn lengths(pieces: &[&[u8]]) -> Result<Vec<u32>, Refusal> {
    let mut frames = Frames::default();
    let mut seen = Vec::new();
    for piece in pieces {
        frames.follow(piece, |length| {
            seen.push(length);
            Ok(())
        })?;
    }
    Ok(seen)
}

#[test]
fn frames_are_found_however_the_bytes_are_cut() {
    let bytes = [0, 0, 0, 0, 2, 9, 9, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 5];
    for first in 0..bytes.len() {
        for second in first..bytes.len() {
            let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
            assert_eq!(lengths(&pieces).unwrap(), [2, 0, 256], "{first} {second}");
        }
    }
    assert!(matches!(lengths(&[&[1, 0, 0, 0, 0]]), Err(Refusal::Compressed)));
}

#[test]
fn timeouts_are_read_and_written_as_grpc_says() {
    let read = |text: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-timeout", HeaderValue::from_str(text).unwrap());
        timeout::read(&headers)
    };
    assert_eq!(read("150m"), Some(Duration::from_millis(150)));
    assert_eq!(read("2H"), Some(Duration::from_secs(7200)));
    assert_eq!(read("99999999n"), Some(Duration::from_nanos(99_999_999)));
    for bad in ["", "m", "1", "1x", "-1m", "+1m", "123456789m", "1 m", "1.5S"] {
        assert_eq!(read(bad), None, "{bad:?}");
    }
    for ms in [1, 150, 99_999_999, 100_000_000, 10_000_000_000] {
        let mut headers = HeaderMap::new();
        timeout::write(&mut headers, Duration::from_millis(ms));
        assert_eq!(timeout::read(&headers), Some(Duration::from_millis(ms)));
    }
}

#[test]
fn an_address_has_a_burst_and_then_its_rate() {
    let limiter = crate::rate::RateLimiter::new(10, 3);
    let address = IpAddr::from(Ipv4Addr::LOCALHOST);
    let start = Instant::now();
    let admitted = (0..10).filter(|_| limiter.admit(address, start)).count();
    assert_eq!(admitted, 3);
    assert!(limiter.admit(IpAddr::from([10, 0, 0, 1]), start), "another address has its own");
    let later = start + Duration::from_millis(250);
    assert_eq!((0..10).filter(|_| limiter.admit(address, later)).count(), 2);
    let same_site = ["2001:db8::1", "2001:db8::2"].map(|text| text.parse::<IpAddr>().unwrap());
    assert_eq!((0..3).filter(|_| limiter.admit(same_site[0], start)).count(), 3);
    assert!(!limiter.admit(same_site[1], start), "one /64 is one address");
}

#[test]
fn places_are_given_back() {
    let limits = crate::Limits {
        max_connections: 3,
        max_connections_per_ip: 2,
        max_connections_per_id: 1,
        ..crate::Limits::default()
    };
    let gate = Arc::new(Gate::new(&limits));
    let (a, b) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
    let mut first = gate.enter(a).unwrap();
    let mut second = gate.enter(a).unwrap();
    assert_eq!(gate.enter(a).unwrap_err(), "max_connections_per_ip");
    let third = gate.enter(b).unwrap();
    assert_eq!(gate.enter(b).unwrap_err(), "max_connections");
    let id = "spiffe://mesh.test/user/a".parse().unwrap();
    assert!(first.identify(&id) && !second.identify(&id));
    drop((first, third));
    assert!(second.identify(&id) && gate.enter(a).is_ok() && gate.open() == 1);
}

#[derive(Debug, thiserror::Error)]
#[error("the store is away")]
struct Away(#[source] std::io::Error);

impl Coded for Away {
    fn code(&self) -> Code {
        Code::Unavailable
    }

    fn reason(&self) -> &'static str {
        "STORE_AWAY"
    }
}

#[test]
fn a_status_carries_code_reason_and_message_but_no_cause() {
    let status = to_status(&Away(std::io::Error::other("/secret/path")));
    assert_eq!((status.code(), status.message()), (Code::Unavailable, "the store is away"));
    assert_eq!(reason_of(&status).as_deref(), Some("STORE_AWAY"));
    let text = describe(&status);
    assert!(text.starts_with("UNAVAILABLE (STORE_AWAY): the store is away\n  hint: "), "{text}");
    assert!(!text.contains("secret") && !format!("{status:?}").contains("secret"));
    assert_eq!(reason_of(&Status::internal("x")), None);
    let local = Status::from_error(Box::new(Away(std::io::Error::other("disk gone"))));
    assert!(describe(&local).contains("cause: the store is away: disk gone"), "{local:?}");
}

#[test]
fn details_that_would_break_the_client_are_dropped() {
    let mut headers = HeaderMap::new();
    headers.insert("grpc-status-details-bin", HeaderValue::from_static("%%%not base64"));
    sanitise(&mut headers);
    assert!(headers.is_empty());
    let good = status::new(Code::Aborted, "R", "m");
    good.add_header(&mut headers).unwrap();
    sanitise(&mut headers);
    assert_eq!(reason_of(&Status::from_header_map(&headers).unwrap()).as_deref(), Some("R"));
}

#[test]
fn configuration_is_strict_and_has_defaults() {
    let config: crate::ServerConfig = toml::from_str("[limits]\nmax_calls = 7").unwrap();
    assert_eq!(config.limits.max_calls, 7);
    assert_eq!(config.drain_ms, crate::ServerConfig::default().drain_ms);
    assert!(toml::from_str::<crate::ServerConfig>("[limits]\nmax_call = 7").is_err());
    let client = "url='https://h:1'\nspiffe_id='spiffe://d/signer/a'";
    let client: crate::ClientConfig = toml::from_str(client).unwrap();
    assert_eq!(client, crate::ClientConfig::new("https://h:1", client.spiffe_id.clone()));
}
