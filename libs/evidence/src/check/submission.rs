//! The rules over the submission: it is the one link that follows from the request, by a scheduler.

use envelope::link::{ExactError, verify_exact};
use ids::Role;
use job::Request;
use keys::Identity;

use super::Checker;
use crate::{EvidenceSet, submit_link};

impl Checker<'_> {
    pub(super) fn submission(
        &mut self,
        set: &EvidenceSet,
        request: Option<&(Request, Identity)>,
    ) -> Option<Identity> {
        let document = &set.submission;
        let signer = self.certificate("submission", document)?;
        let role = self.role("submission", &signer, Role::Scheduler);
        let (request, _) = request?;
        let link = submit_link(request, set.request.digest());
        let (content, signature) =
            match verify_exact(&document.envelope, &link, signer.public_key()) {
                Ok(()) => (Ok(()), Some(Ok(()))),
                Err(ExactError::Signature(error)) => (Ok(()), Some(Err(error))),
                Err(error @ ExactError::Content(_)) => (Err(error), None),
            };
        let content = content.map(|()| ((), "the link that follows from the request".to_owned()));
        self.checks.record("submission.content", content)?;
        let key = signer.public_key().key_id();
        let signature = signature?.map(|()| ((), format!("key {key}")));
        self.checks.record("submission.signature", signature)?;
        role.then_some(signer)
    }
}
