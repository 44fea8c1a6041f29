//! The protocol's form, its answers, and the one promise: nothing is cosigned that does not extend
//! what was cosigned.

mod answers;
mod fixture;
mod form;
mod histories;
mod replies;
mod states;
