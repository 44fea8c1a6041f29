//! Client and server over real sockets.

mod bounds;
mod exchange;
mod fixture;
mod reload;
