//! The command as users run it: its output, its exit codes, and the real Trivy.

#[cfg(test)]
mod registry;
#[cfg(test)]
mod scan_database;
#[cfg(test)]
mod witness;
