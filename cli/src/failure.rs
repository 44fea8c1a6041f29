//! Failures as users see them: the thing, the cause, the remedy, and the exit code.

use std::{error::Error, fmt, process::ExitCode};

use client::{CallError, DownloadError};

/// How the command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done; every check held.
    Done,
    /// A check failed, the job did not complete, or an input is not accepted.
    Refused,
    /// Wrong usage, or a file or setting that cannot be used.
    CannotSay,
    /// The mesh does not answer, or refuses the call.
    Unreachable,
    /// The release policy holds the job.
    Held,
    /// Stopped by a signal.
    Interrupted,
}

impl Exit {
    /// The process's exit code.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Refused => 1,
            Self::CannotSay => 2,
            Self::Unreachable => 3,
            Self::Held => 4,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why the command did not do what was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    what: String,
    cause: Option<String>,
    remedy: Option<String>,
}

impl Failure {
    fn new(exit: Exit, what: impl fmt::Display) -> Self {
        Self { exit, what: what.to_string(), cause: None, remedy: None }
    }

    /// Something is refused: exit code 1.
    pub(crate) fn refused(what: impl fmt::Display) -> Self {
        Self::new(Exit::Refused, what)
    }

    /// A file, a setting or a usage is wrong: exit code 2.
    pub(crate) fn cannot(what: impl fmt::Display) -> Self {
        Self::new(Exit::CannotSay, what)
    }

    /// The mesh does not answer: exit code 3.
    pub(crate) fn unreachable(what: impl fmt::Display) -> Self {
        Self::new(Exit::Unreachable, what)
    }

    /// The release policy holds the job: exit code 4.
    pub(crate) fn held(what: impl fmt::Display) -> Self {
        Self::new(Exit::Held, what)
    }

    /// A signal came: exit code 130.
    pub(crate) fn interrupted(what: impl fmt::Display) -> Self {
        Self::new(Exit::Interrupted, what)
    }

    /// Adds why.
    pub(crate) fn because(mut self, cause: impl fmt::Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// Adds why, with the causes of the cause.
    pub(crate) fn caused_by(self, error: &dyn Error) -> Self {
        let mut text = error.to_string();
        let mut next = error.source();
        while let Some(source) = next {
            let more = source.to_string();
            if !text.contains(&more) {
                text.push_str(": ");
                text.push_str(&more);
            }
            next = source.source();
        }
        self.because(text)
    }

    /// Says what it is about.
    pub(crate) fn about(mut self, thing: impl fmt::Display) -> Self {
        self.what = format!("{thing}: {}", self.what);
        self
    }

    /// Adds what to do about it.
    pub(crate) fn remedy(mut self, remedy: impl fmt::Display) -> Self {
        self.remedy = Some(remedy.to_string());
        self
    }

    /// The exit code that goes with it.
    pub(crate) const fn exit(&self) -> Exit {
        self.exit
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if let Some(cause) = &self.cause {
            write!(f, "\n  cause: {cause}")?;
        }
        if let Some(remedy) = &self.remedy {
            write!(f, "\n  remedy: {remedy}")?;
        }
        Ok(())
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        let failure =
            if error.is_not_found() { Self::refused(&error) } else { Self::unreachable(&error) };
        if error.is_unavailable() {
            return failure.remedy("start the mesh with 'aibom up', or name another with --mesh");
        }
        failure
    }
}

impl From<DownloadError> for Failure {
    fn from(error: DownloadError) -> Self {
        match error {
            DownloadError::Call(error) => error.into(),
            DownloadError::Digest { .. } | DownloadError::TooLong { .. } => Self::refused(&error)
                .remedy("the store does not hold what the job left; tell its operator"),
            DownloadError::Write { .. } => Self::cannot("cannot fetch").caused_by(&error),
        }
    }
}
