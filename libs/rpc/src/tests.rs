//! Tests over real sockets, with certificates of a mesh CA made for each test.

mod bounds;
mod calls;
mod clients;
mod drain;
mod floods;
mod mesh;
mod raw;
mod refusals;
mod reload;
mod service;
mod table;
mod units;
