//! Token buckets per address, for the public listener.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Instant,
};

/// How many addresses are remembered; beyond that, only addresses that are remembered and those
/// that fit are answered.
const MAX_ADDRESSES: usize = 8_192;

/// The unit that bounds apply to: an IPv4 address, or an IPv6 /64 (one site's worth).
pub(crate) fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::from((u128::from(v6) >> 64 << 64).to_be_bytes()),
        v4 => v4,
    }
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

/// Calls per second per address, with a burst.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    per_second: f64,
    burst: f64,
    buckets: Mutex<HashMap<IpAddr, Bucket>>,
}

impl RateLimiter {
    pub(crate) fn new(per_second: u32, burst: u32) -> Self {
        let (per_second, burst) = (f64::from(per_second), f64::from(burst.max(1)));
        Self { per_second, burst, buckets: Mutex::default() }
    }

    fn refilled(&self, bucket: Bucket, now: Instant) -> f64 {
        let elapsed = now.saturating_duration_since(bucket.at).as_secs_f64();
        elapsed.mul_add(self.per_second, bucket.tokens).min(self.burst)
    }

    /// Whether `address` may make one more call at `now`.
    pub(crate) fn admit(&self, address: IpAddr, now: Instant) -> bool {
        let network = network_of(address);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_ADDRESSES && !buckets.contains_key(&network) {
            // A full bucket holds nothing worth remembering.
            buckets.retain(|_, bucket| self.refilled(*bucket, now) < self.burst);
            if buckets.len() >= MAX_ADDRESSES {
                return false;
            }
        }
        let fresh = Bucket { tokens: self.burst, at: now };
        let bucket = buckets.entry(network).or_insert(fresh);
        let tokens = self.refilled(*bucket, now);
        let admitted = tokens >= 1.0;
        *bucket = Bucket { tokens: if admitted { tokens - 1.0 } else { tokens }, at: now };
        admitted
    }
}
