//! What the tests share: a server with tools over a forge of its own, and clients for it.

pub mod acme;
pub mod broker;
pub mod client;
#[cfg(target_os = "linux")]
pub mod crowd;
pub mod events;
pub mod front_proxy;
pub mod host;
pub mod inspected;
pub mod log;
pub mod recorder;
pub mod round_robin;
pub mod session;
pub mod socket;
pub mod tools;
pub mod transport;
pub mod two_ways;
pub mod waiting;
pub mod wire;
pub mod zoo;
