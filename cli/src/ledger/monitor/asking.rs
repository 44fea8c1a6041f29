//! Asks the mesh what an entry of one's own stands for, and holds it against what was submitted here.

use std::path::{Path, PathBuf};

use client::{CallError, Disclosed, Mesh, Submissions, submissions_path};
use evidence::TrustRoot;
use ids::Timestamp;
use monitor::{Open, Origin, Told};
use verify::verify_disclosed;

use crate::{failure::Failure, profile, terminal::Terminal};

/// The mesh, as its user, and the journal of what was submitted from this machine.
pub(super) struct Asking {
    mesh: Mesh,
    root: TrustRoot,
    journal: PathBuf,
}

/// Why nothing was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unanswered {
    reason: String,
    /// Nobody answers at all, so that others need not be asked for.
    away: bool,
}

impl From<CallError> for Unanswered {
    fn from(error: CallError) -> Self {
        Self { reason: error.to_string(), away: error.is_unavailable() }
    }
}

impl Asking {
    /// Opens the mesh of a profile; it must be that of `root`. Nothing is connected yet.
    pub(super) fn open(
        terminal: &Terminal,
        profile: &Path,
        root: TrustRoot,
    ) -> Result<Self, Failure> {
        let mesh = profile::open(profile)?;
        let domain = &mesh.profile().trust_domain;
        if *domain != root.trust_domain {
            let what = format!("{} is of the mesh {domain}", profile.display());
            return Err(Failure::cannot(what)
                .because(format_args!("the trust root is of {}", root.trust_domain))
                .remedy("name the profile of the same mesh with --mesh"));
        }
        let journal = submissions_path(domain, |name| std::env::var_os(name))
            .map_err(|error| Failure::cannot("no journal of submissions").caused_by(&error))?;
        if !journal.exists() {
            terminal.say(format_args!(
                "nothing was submitted from this machine ({} does not exist): every entry under your \
                 identity is an alert, unless --bundle or --known explains it",
                journal.display()
            ));
        }
        Ok(Self { mesh, root, journal })
    }

    /// The caller's own.
    pub(super) async fn monitor_key(&self) -> Result<[u8; 32], Failure> {
        self.mesh.reach().await?;
        Ok(self.mesh.jobs().monitor_key().await?)
    }

    /// Asks for each. The journal is read anew: others write to it meanwhile.
    pub(super) async fn ask_each(&self, open: &[Open]) -> Result<Vec<(Open, Told)>, Failure> {
        if open.is_empty() {
            return Ok(Vec::new());
        }
        let made = Submissions::open(&self.journal).map_err(|error| {
            Failure::cannot("cannot tell what was submitted from here").caused_by(&error)
        })?;
        let jobs = self.mesh.jobs();
        let disclose = async |open: Open| Ok(jobs.disclose(open.commitment).await?);
        Ok(ask(open, &self.root, &made, disclose).await)
    }
}

/// What came of asking for each. Once nobody answers, the rest is not asked for.
async fn ask(
    open: &[Open],
    root: &TrustRoot,
    made: &Submissions,
    disclose: impl AsyncFn(Open) -> Result<Disclosed, Unanswered>,
) -> Vec<(Open, Told)> {
    let mut away: Option<String> = None;
    let mut all = Vec::new();
    for one in open {
        let told = match &away {
            Some(reason) => Told::Nothing(reason.clone()),
            None => match disclose(*one).await {
                Ok(disclosed) => judge(&disclosed, one.logged_at, root, made),
                Err(unanswered) => {
                    away = unanswered.away.then(|| unanswered.reason.clone());
                    Told::Nothing(unanswered.reason)
                }
            },
        };
        all.push((*one, told));
    }
    all
}

/// Whether what the mesh tells is verified, and whether it was asked for here. Which job it is of is the
/// mesh's word where the document does not say; which request, never.
fn judge(
    disclosed: &Disclosed,
    logged_at: Timestamp,
    root: &TrustRoot,
    made: &Submissions,
) -> Told {
    match verify_disclosed(&disclosed.document, root, logged_at) {
        Err(error) => Told::Nothing(format!("what it tells is not verified: {error}")),
        Ok(traced) if made.contains(traced.request()) => Told::Mine,
        Ok(traced) => Told::NotMine(Origin {
            job: traced.job().unwrap_or(disclosed.job),
            request: *traced.request(),
            what: traced.what().to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests;
