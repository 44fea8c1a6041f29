//! Which of the scanner's refusals are tried again, and what the job says of each.

use rpc::{
    Coded,
    status::{Code, to_status},
};

use super::*;

#[derive(Debug, thiserror::Error)]
#[error("the cause; the remedy")]
struct Refusal(Code, &'static str);

impl Coded for Refusal {
    fn code(&self) -> Code {
        self.0
    }

    fn reason(&self) -> &'static str {
        self.1
    }
}

/// As the scanner's README lists them.
const AGAIN: [(Code, &str); 12] = [
    (Code::Unavailable, "TRIVY_MISSING"),
    (Code::Unavailable, "TRIVY_NOT_STARTED"),
    (Code::Unavailable, "TRIVY_NOT_CONFINED"),
    (Code::Internal, "TRIVY_FAILED"),
    (Code::DeadlineExceeded, "TRIVY_TIMED_OUT"),
    (Code::Unavailable, "ENGINE_UNAVAILABLE"),
    (Code::Unavailable, "EXPORT_BROKEN"),
    (Code::DeadlineExceeded, "EXPORT_TIMED_OUT"),
    (Code::Unavailable, "SCRATCH_FAILED"),
    (Code::Unavailable, "PROGRAM_UNREADABLE"),
    (Code::Aborted, "REPLACED_DURING_SCAN"),
    (Code::Internal, "SCAN_NOT_SIGNED"),
];

const FINAL: [(Code, &str); 9] = [
    (Code::InvalidArgument, "INVALID_REQUEST"),
    (Code::NotFound, "IMAGE_NOT_FOUND"),
    (Code::FailedPrecondition, "IMAGE_DIGEST_UNKNOWN"),
    (Code::DataLoss, "IMAGE_MISMATCH"),
    (Code::ResourceExhausted, "IMAGE_TOO_LARGE"),
    (Code::ResourceExhausted, "REPORT_TOO_LARGE"),
    (Code::ResourceExhausted, "SCRATCH_TOO_LARGE"),
    (Code::ResourceExhausted, "SCAN_TOO_LARGE"),
    (Code::Internal, "REPORT_INVALID"),
];

fn scan_error(code: Code, reason: &'static str) -> StageError {
    stage_error("scanner", Reason::ScanFailed, &to_status(&Refusal(code, reason)))
}

#[test]
fn what_may_be_mended_is_tried_again_and_the_job_says_what() {
    for (code, reason) in AGAIN {
        let error = scan_error(code, reason);
        assert!(error.again, "{reason}");
        let wanted = format!("STAGE_UNAVAILABLE: scanner: {reason}: the cause; the remedy");
        assert_eq!(error.to_string(), wanted);
    }
}

#[test]
fn what_stays_as_it_is_ends_the_job_with_its_reason() {
    for (code, reason) in FINAL {
        let error = scan_error(code, reason);
        assert!(!error.again, "{reason}");
        let wanted = format!("SCAN_FAILED: scanner: {reason}: the cause; the remedy");
        assert_eq!(error.to_string(), wanted);
    }
}

#[test]
fn a_scanner_that_is_away_is_tried_again() {
    let away = Status::unavailable("connection refused");
    let error = stage_error("scanner", Reason::ScanFailed, &away);
    assert!(error.again);
    assert_eq!(error.to_string(), "STAGE_UNAVAILABLE: scanner: Unavailable: connection refused");
}
