//! The log and the artifacts in a bucket of other people's S3 server: over TLS, with keys, signatures and
//! rights that it checks, and with `If-None-Match` and `If-Match` as it understands them.

#[cfg(test)]
mod artifacts;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod log;
#[cfg(test)]
mod publishing;
#[cfg(test)]
mod server;
#[cfg(test)]
mod stand;
