//! `aibom keys list`: which key signs what, when, and whether the store has it.

use ::keys::{Algorithm, KeyId, PublicKey};
use evidence::{KeyEntry, KeyUse, Revocation, TrustRoot};
use ids::Timestamp;
use serde::Serialize;

use super::{change::short, store::Store};
use crate::{failure::Failure, terminal::Terminal};

/// What a key is good for at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// The newest of its use: the signer signs with it.
    Signs,
    /// It may sign, and a newer one does.
    Valid,
    /// Its time is to come.
    Next,
    /// Its time is over; what it signed in it holds.
    Past,
    /// Not believed any more.
    Revoked,
}

/// A key of the trust root.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Listed {
    pub(super) key_id: KeyId,
    #[serde(rename = "use")]
    pub(super) usage: KeyUse,
    pub(super) algorithm: Algorithm,
    pub(super) valid_from: Timestamp,
    pub(super) valid_until: Timestamp,
    pub(super) state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) revoked: Option<Revocation>,
    /// `null` when no store was looked at, and for policy keys, which are in none.
    pub(super) in_store: Option<bool>,
}

/// Every signing key, and what the store holds beside them.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct List {
    version: u64,
    at: Timestamp,
    pub(super) keys: Vec<Listed>,
    /// Keys in the store that the trust root does not name.
    pub(super) unlisted: Vec<KeyId>,
}

fn state(entry: &KeyEntry, newest: bool, at: Timestamp) -> State {
    if entry.revoked.as_ref().is_some_and(|revoked| revoked.since <= at) {
        State::Revoked
    } else if at < entry.valid_from {
        State::Next
    } else if entry.valid_until < at {
        State::Past
    } else if newest {
        State::Signs
    } else {
        State::Valid
    }
}

impl List {
    /// The keys of `root` as they stand at `at`.
    pub(super) fn of(root: &TrustRoot, at: Timestamp, store: Option<&[PublicKey]>) -> Self {
        let held: Option<Vec<KeyId>> =
            store.map(|keys| keys.iter().map(PublicKey::key_id).collect());
        let mut keys = Vec::new();
        for usage in KeyUse::ALL {
            let current = root.current_keys(usage, at);
            let newest = current.first().map(|(key, _)| key.key_id());
            keys.extend(root.keys(usage).map(|(key, entry)| {
                Listed {
                    key_id: key.key_id(),
                    usage,
                    algorithm: key.algorithm(),
                    valid_from: entry.valid_from,
                    valid_until: entry.valid_until,
                    state: state(entry, newest == Some(key.key_id()), at),
                    revoked: entry.revoked.clone(),
                    in_store: held
                        .as_ref()
                        .filter(|_| KeyUse::SIGNER.contains(&usage))
                        .map(|held| held.contains(&key.key_id())),
                }
            }));
        }
        let known = |id: &KeyId| keys.iter().any(|listed| listed.key_id == *id);
        let unlisted = held.unwrap_or_default().into_iter().filter(|id| !known(id)).collect();
        Self { version: root.version, at, keys, unlisted }
    }

    /// Prints the table, and what an operator should know.
    pub(super) fn print(&self, terminal: &Terminal, store: Option<&Store>) -> Result<(), Failure> {
        if terminal.is_json() {
            return terminal.json(self);
        }
        let rows: Vec<_> = self.keys.iter().map(Listed::row).collect();
        terminal.table(&["KEY", "USE", "ALGORITHM", "FROM", "UNTIL", "STATE", "STORE"], &rows)?;
        let Some(store) = store else { return Ok(()) };
        for id in &self.unlisted {
            let key = short(*id);
            terminal
                .say(format_args!("{store} also holds {key}, which the trust root does not name"));
        }
        for listed in &self.keys {
            if listed.state == State::Signs && listed.in_store == Some(false) {
                let (usage, key) = (listed.usage, short(listed.key_id));
                terminal.say(format_args!(
                    "{store} does not hold the {usage} key {key} that signs now"
                ));
            }
        }
        Ok(())
    }
}

impl Listed {
    fn row(&self) -> Vec<String> {
        let algorithm = match self.algorithm {
            Algorithm::Ed25519 => "Ed25519",
            Algorithm::EcdsaP256Sha256 => "ECDSA P-256",
        };
        let store = match self.in_store {
            Some(true) => "yes",
            Some(false) => "no",
            None => "-",
        };
        vec![
            short(self.key_id),
            self.usage.to_string(),
            algorithm.to_owned(),
            self.valid_from.to_string(),
            self.valid_until.to_string(),
            self.state_text(),
            store.to_owned(),
        ]
    }

    fn state_text(&self) -> String {
        let revoked = self.revoked.as_ref();
        let revoked = revoked.map(|revoked| format!("{} ({})", revoked.since, revoked.reason));
        let word = match self.state {
            State::Signs => "signs now",
            State::Valid => "may sign",
            State::Next => "next",
            State::Past => "past",
            State::Revoked => return format!("revoked since {}", revoked.unwrap_or_default()),
        };
        match revoked {
            Some(revoked) => format!("{word}; revoked from {revoked}"),
            None => word.to_owned(),
        }
    }
}
