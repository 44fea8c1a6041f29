//! A fake of the ledger behind real mTLS: a tree in memory under the test mesh's own keys, that a test
//! makes go away, lose answers, lie, forget, or rewrite its history.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard},
};

use bundle::{ENTRY_SCHEMA, LedgerEntry, Tag};
use ids::{Sha256Digest, Timestamp, canonical};
use merkle::{Checkpoint, TlogProof, Tree, checkpoint, leaf_hash};
use proto::ledger::v1::{
    AppendRequest, AppendResponse, GetCheckpointRequest, GetCheckpointResponse,
    GetConsistencyRequest, GetConsistencyResponse, GetInclusionRequest, GetInclusionResponse,
    ledger_service_server::{LedgerService, LedgerServiceServer},
};
use rpc::{Services, status};
use testkit::mesh::Mesh;
use tonic::{Request, Response, Status};

use crate::{fake::serve, world::World};

/// How the fake behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// It takes, and proves.
    Honest,
    /// It takes nothing.
    Away,
    /// It takes, and its answer is lost.
    LosesAnswers,
    /// It proves another entry than it was asked for.
    ProvesAnother,
    /// It signs with a key that is not the pinned one.
    SignsWithAnotherKey,
    /// Its witness is away.
    Unwitnessed,
    /// It takes the entry under another tag.
    Retags,
    /// Its clock is two days ahead.
    StampsAhead,
    /// It refuses what it is given, now and ever after.
    RefusesForEver,
}

struct State {
    mood: Mood,
    entries: Vec<LedgerEntry>,
    refused: HashSet<Sha256Digest>,
}

impl State {
    fn leaves(&self) -> Vec<Vec<u8>> {
        self.entries.iter().map(|entry| canonical::to_vec(entry).unwrap()).collect()
    }

    fn tree(&self) -> Tree {
        self.leaves().iter().map(|leaf| leaf_hash(leaf)).collect()
    }
}

/// The fake, as a test steers it.
#[derive(Clone)]
pub(crate) struct LedgerFake {
    state: Arc<Mutex<State>>,
    mesh: Arc<Mesh>,
}

impl LedgerFake {
    /// Starts it; gives a world whose scheduler calls it.
    pub(crate) async fn start(world: World, mood: Mood) -> (World, Self) {
        let state =
            Arc::new(Mutex::new(State { mood, entries: Vec::new(), refused: HashSet::new() }));
        let now = Timestamp::from(std::time::SystemTime::now());
        // The keys of the log depend on the label alone.
        let fake = Self { state, mesh: Arc::new(Mesh::new("scheduler-it", now)) };
        let services = Services::new().add(LedgerServiceServer::new(fake.clone()));
        let url = serve(&world, &world.mesh.ledger, services).await;
        (world.with_ledger(&url), fake)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// From now on it behaves so.
    pub(crate) fn be(&self, mood: Mood) {
        self.lock().mood = mood;
    }

    /// Every entry.
    pub(crate) fn entries(&self) -> Vec<LedgerEntry> {
        self.lock().entries.clone()
    }

    /// How many commitments it refuses for ever.
    pub(crate) fn refused(&self) -> usize {
        self.lock().refused.len()
    }

    /// The entries that carry the tag of that monitor key.
    pub(crate) fn entries_of(&self, key: &[u8; 32]) -> Vec<LedgerEntry> {
        let mut entries = self.entries();
        entries.retain(|entry| entry.tag == Tag::of(key, &entry.commitment));
        entries
    }

    /// Forgets all entries but the first ones.
    pub(crate) fn forget_after(&self, kept: usize) {
        self.lock().entries.truncate(kept);
    }

    /// Puts these entries in the place of its own.
    pub(crate) fn rewrite(&self, entries: Vec<LedgerEntry>) {
        self.lock().entries = entries;
    }

    fn proof(&self, state: &State, index: u64) -> String {
        let tree = state.tree();
        let log = self.mesh.ledger_verifier_key();
        let head = Checkpoint { origin: log.name().into(), size: tree.len(), root: tree.root() };
        let key = match state.mood {
            Mood::SignsWithAnotherKey => self.mesh.witness_key(),
            _ => self.mesh.ledger_key(),
        };
        let mut note = checkpoint::sign(&head, &key, log.name()).unwrap();
        if state.mood != Mood::Unwitnessed {
            let witness = self.mesh.witness_cosigner_key();
            let key = self.mesh.witness_key();
            note += &checkpoint::cosign(&head, &key, witness.name(), 1_790_000_000).unwrap();
        }
        let hashes = tree.inclusion(index, tree.len()).unwrap();
        TlogProof { extra: None, index, hashes, checkpoint: note }.to_string()
    }
}

#[tonic::async_trait]
impl LedgerService for LedgerFake {
    async fn append(
        &self,
        request: Request<AppendRequest>,
    ) -> Result<Response<AppendResponse>, Status> {
        let AppendRequest { commitment, tag } = request.into_inner();
        let mut state = self.lock();
        if state.mood == Mood::Away {
            return Err(Status::unavailable("the test says so"));
        }
        let commitment = Sha256Digest::from_bytes(commitment.try_into().unwrap());
        if state.mood == Mood::RefusesForEver {
            state.refused.insert(commitment);
        }
        if state.refused.contains(&commitment) {
            return Err(Status::invalid_argument("the test says so, for ever"));
        }
        let tag = match state.mood {
            Mood::Retags => Tag::from_bytes([0; 16]),
            _ => Tag::from_bytes(tag.try_into().unwrap()),
        };
        let there = state.entries.iter().position(|entry| entry.commitment == commitment);
        let index = there.unwrap_or_else(|| {
            let ahead_ms = if state.mood == Mood::StampsAhead { 2 * 86_400_000 } else { 0 };
            let logged_at = Timestamp::from(std::time::SystemTime::now()).plus_ms(ahead_ms);
            let schema = ENTRY_SCHEMA.to_owned();
            state.entries.push(LedgerEntry { schema, commitment, tag, logged_at });
            state.entries.len() - 1
        });
        let mut entry = state.entries[index].clone();
        if state.mood == Mood::Retags {
            entry.tag = tag;
            state.entries[index] = entry.clone();
        }
        let proof = self.proof(&state, index as u64);
        match state.mood {
            Mood::LosesAnswers => Err(Status::unavailable("the answer is lost")),
            Mood::ProvesAnother => {
                entry.commitment = Sha256Digest::of(b"another");
                let entry = canonical::to_vec(&entry).unwrap();
                Ok(Response::new(AppendResponse { entry, index: index as u64, proof }))
            }
            _ => {
                let entry = canonical::to_vec(&entry).unwrap();
                Ok(Response::new(AppendResponse { entry, index: index as u64, proof }))
            }
        }
    }

    async fn get_checkpoint(
        &self,
        _: Request<GetCheckpointRequest>,
    ) -> Result<Response<GetCheckpointResponse>, Status> {
        Err(Status::unimplemented("the scheduler does not ask for it"))
    }

    async fn get_inclusion(
        &self,
        request: Request<GetInclusionRequest>,
    ) -> Result<Response<GetInclusionResponse>, Status> {
        let asked = request.into_inner().commitment;
        let entries = self.entries();
        let mut found = entries.iter().filter(|entry| entry.commitment.as_bytes()[..] == asked);
        let unknown = || status::new(status::Code::NotFound, "UNKNOWN_COMMITMENT", "not here");
        let entry = canonical::to_vec(found.next().ok_or_else(unknown)?).unwrap();
        Ok(Response::new(GetInclusionResponse { entry, ..GetInclusionResponse::default() }))
    }

    async fn get_consistency(
        &self,
        request: Request<GetConsistencyRequest>,
    ) -> Result<Response<GetConsistencyResponse>, Status> {
        let GetConsistencyRequest { old_size, new_size } = request.into_inner();
        let proof = self.lock().tree().consistency(old_size, new_size);
        let proof = proof.map_err(|error| Status::out_of_range(error.to_string()))?;
        let proof = proof.iter().map(|hash| hash.as_bytes().to_vec()).collect();
        Ok(Response::new(GetConsistencyResponse { proof }))
    }
}
