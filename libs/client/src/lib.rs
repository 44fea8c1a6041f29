//! What users' and approvers' programs share: the connection profile, resumable upload and download,
//! submit, watch, review.
//!
//! The `aibom` command, the end-to-end tests and the load generator build on this crate, so that a
//! lost connection is handled in one place. It holds no state beyond open connections, and the
//! journal of what was submitted from here.

mod advisories;
mod artifacts;
mod call;
mod download;
mod job_view;
mod jobs;
mod local_file;
mod mesh;
mod profile;
mod records;
mod release;
mod request;
mod review;
mod services;
mod submissions;
mod upload;
mod watch;

pub use advisories::{Advisories, Advisory, AdvisoryPage, AdvisoryView};
pub use artifacts::Artifacts;
pub use call::{CallError, MAX_TRIES};
pub use download::{DownloadError, MAX_DOCUMENT_BYTES};
pub use job_view::{JobView, Malformed, OutputFile, TrainerView};
pub use jobs::{JobPage, Jobs, Submitted};
pub use local_file::{LocalFile, LocalFileError};
pub use mesh::{Mesh, OpenError};
pub use profile::{
    Endpoint, IdentityPaths, MAX_PROFILE_BYTES, PROFILE_SCHEMA, Profile, ProfileError, Services,
};
pub use records::{Disclosed, MAX_RECORDS, RecordView, RecordsView};
pub use release::{SignReleaseError, sign_release};
pub use request::{SignRequestError, sign_request};
pub use review::{Finding, HeldJob, HeldPage, HoldView, PolicyView, Review};
pub use rpc::Channel;
pub use services::{
    RemoteCheck, RemoteVerdict, checkpoint, is_serving, policy, trust_root, verify_bundle,
};
pub use submissions::{
    MAX_SUBMISSIONS_BYTES, SubmissionEntry, Submissions, SubmissionsError, submissions_path,
};
pub use upload::{UploadError, UploadOutcome};
pub use watch::{LogStream, Watch, WatchEvent};

#[cfg(test)]
mod tests;
