//! What the tests share: a server with tools over a forge of its own, and clients for it.

pub mod broker;
pub mod client;
pub mod host;
pub mod tools;
pub mod two_ways;
