//! The executors that said hello, and what they have.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use ids::SpiffeId;
use job::Image;

/// What one executor has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Inventory {
    /// Images that it can run.
    pub(crate) images: Vec<Image>,
    /// GPUs.
    pub(crate) gpus: u32,
    /// Trainer name to image.
    pub(crate) trainers: BTreeMap<String, Image>,
}

/// All executors, and the trainers that the configuration names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fleet {
    configured: BTreeMap<String, Image>,
    executors: Arc<Mutex<HashMap<SpiffeId, Inventory>>>,
}

impl Fleet {
    /// A fleet without executors yet.
    #[must_use]
    pub(crate) fn new(configured: BTreeMap<String, Image>) -> Self {
        Self { configured, executors: Arc::default() }
    }

    fn with<T>(&self, read: impl FnOnce(&mut HashMap<SpiffeId, Inventory>) -> T) -> T {
        read(&mut self.executors.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes an executor's inventory, in place of an older one.
    pub(crate) fn register(&self, executor: SpiffeId, inventory: Inventory) {
        self.with(|all| all.insert(executor, inventory));
    }

    /// What an executor has; `None` until it registers.
    #[must_use]
    pub(crate) fn inventory(&self, executor: &SpiffeId) -> Option<Inventory> {
        self.with(|all| all.get(executor).cloned())
    }

    /// The images that the configuration names.
    pub(crate) fn configured(&self) -> impl Iterator<Item = &Image> {
        self.configured.values()
    }

    /// Every trainer by name. The configuration wins over what executors say.
    #[must_use]
    pub(crate) fn trainers(&self) -> BTreeMap<String, Image> {
        let mut trainers = self.with(|all| {
            let mut names: Vec<_> = all.values().flat_map(|i| i.trainers.clone()).collect();
            names.sort();
            names.into_iter().collect::<BTreeMap<_, _>>()
        });
        trainers.extend(self.configured.clone());
        trainers
    }
}
