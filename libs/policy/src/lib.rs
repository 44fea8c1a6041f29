//! The release policy: rules over verified evidence that release a job's AIBoM, or hold it.
//!
//! A policy is a signed document: whoever holds the trust root's policy key writes it, the signer
//! evaluates it, and every verifier evaluates it again. [`decide`] is the one place that makes a
//! [`Decision`], and without one there is no AIBoM. Pure: the time is an argument.
//!
//! The evidence says what is there; the policy says what of it is too much. Nothing in it can call
//! a scan complete that is not.

mod completeness;
mod decide;
mod document;
mod ignore;
mod licence;
mod rules;
mod signed;
mod violations;

pub use decide::{Decision, Hold, PolicyName, decide};
pub use document::{
    Ignore, InvalidPolicy, LicenceRule, MAX_IGNORES, MAX_POLICY_BYTES, POLICY_PAYLOAD_TYPE,
    POLICY_SCHEMA, Policy, Rating, Rule, VulnerabilityRule,
};
pub use signed::{PolicyError, SealPolicyError, SignedPolicy};
pub use violations::{Findings, Ignored, Kind, Violation, evaluate, violation_key};
