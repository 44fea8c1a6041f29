//! How many connections are open: in all, per address, per identity.

use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use ids::SpiffeId;

use crate::{Limits, rate::network_of};

#[derive(Debug, Default)]
struct Counts {
    total: usize,
    per_ip: HashMap<IpAddr, usize>,
    per_id: HashMap<SpiffeId, usize>,
}

/// Counts open connections against their bounds.
#[derive(Debug)]
pub(crate) struct Gate {
    max_total: usize,
    max_per_ip: usize,
    max_per_id: usize,
    counts: Mutex<Counts>,
}

/// An open connection's place; given back when dropped.
#[derive(Debug)]
pub struct Place {
    gate: Arc<Gate>,
    network: IpAddr,
    spiffe_id: Option<SpiffeId>,
}

fn take<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: K, limit: usize) -> bool {
    let count = counts.entry(key).or_insert(0);
    let fits = *count < limit;
    *count += usize::from(fits);
    fits
}

fn give<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

impl Gate {
    /// No place is taken yet.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            max_total: limits.max_connections.max(1),
            max_per_ip: limits.max_connections_per_ip.max(1),
            max_per_id: limits.max_connections_per_id.max(1),
            counts: Mutex::default(),
        }
    }

    fn counts(&self) -> std::sync::MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a connection from `address`.
    ///
    /// # Errors
    /// The name of the bound that is reached.
    pub(crate) fn enter(self: &Arc<Self>, address: IpAddr) -> Result<Place, &'static str> {
        let network = network_of(address);
        let mut counts = self.counts();
        if counts.total >= self.max_total {
            return Err("max_connections");
        }
        if !take(&mut counts.per_ip, network, self.max_per_ip) {
            return Err("max_connections_per_ip");
        }
        counts.total += 1;
        Ok(Place { gate: Arc::clone(self), network, spiffe_id: None })
    }

    /// How many connections are open.
    pub(crate) fn open(&self) -> usize {
        self.counts().total
    }
}

impl Place {
    /// Counts the connection for its identity as well; false when that bound is reached.
    pub(crate) fn identify(&mut self, spiffe_id: &SpiffeId) -> bool {
        let limit = self.gate.max_per_id;
        let fits = take(&mut self.gate.counts().per_id, spiffe_id.clone(), limit);
        if fits {
            self.spiffe_id = Some(spiffe_id.clone());
        }
        fits
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.gate.counts();
        counts.total -= 1;
        give(&mut counts.per_ip, &self.network);
        if let Some(spiffe_id) = &self.spiffe_id {
            give(&mut counts.per_id, spiffe_id);
        }
    }
}
