//! The scanner against a Trivy that misbehaves, over the wire, and against the real one.

#[cfg(test)]
mod age;
#[cfg(test)]
mod alerts;
#[cfg(test)]
mod auditable;
#[cfg(test)]
mod bench;
#[cfg(test)]
mod files;
#[cfg(test)]
mod matrix;
#[cfg(test)]
mod real;
#[cfg(test)]
mod real_container;
#[cfg(test)]
mod real_targets;
#[cfg(test)]
mod stub;
#[cfg(test)]
mod update;
#[cfg(test)]
mod wire;
