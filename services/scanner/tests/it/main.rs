//! The scanner against a Trivy that misbehaves, over the wire, and against the real one.

#[cfg(test)]
mod alerts;
#[cfg(test)]
mod auditable;
#[cfg(test)]
mod bench;
#[cfg(test)]
mod real;
#[cfg(test)]
mod stub;
#[cfg(test)]
mod wire;
