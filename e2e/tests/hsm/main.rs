//! The signer with its keys in a token: what an HSM that errs, lags, hangs, dies or lies costs (time,
//! and nothing else), and how keys change, each time with a job in flight.

#[cfg(test)]
mod agent;
#[cfg(test)]
mod away;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod rollback;
#[cfg(test)]
mod rotation;
#[cfg(test)]
mod search;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod stand;
