//! Which ports the services listen on.

use std::net::{Ipv4Addr, TcpListener};

use crate::failure::Failure;

/// `count` ports on 127.0.0.1: the ones from `base` on, or free ones when `base` is 0.
///
/// Free ones are asked for all at once, so that none is given twice; somebody else may still take
/// one before the service does, which then says so in its log.
pub(super) fn pick(base: u16, count: u16) -> Result<Vec<u16>, Failure> {
    let mut listeners = Vec::new();
    for number in 0..count {
        let port = if base == 0 { Some(0) } else { base.checked_add(number) };
        let port = port.ok_or_else(|| {
            Failure::cannot(format_args!("--base-port {base} leaves no room for {count} ports"))
        })?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|error| {
            Failure::cannot(format_args!("port {port} cannot be used"))
                .because(error)
                .remedy("stop what listens there, or pass --base-port 0 for free ports")
        })?;
        listeners.push(listener);
    }
    let ports: Result<Vec<_>, _> =
        listeners.iter().map(|l| l.local_addr().map(|address| address.port())).collect();
    ports.map_err(|error| Failure::cannot("cannot pick a free port").because(error))
}
