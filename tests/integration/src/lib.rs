//! What the tests share: a server with tools over a forge of its own, and clients for it.

pub mod acme;
pub mod broker;
pub mod client;
#[cfg(target_os = "linux")]
pub mod crowd;
#[cfg(unix)]
pub mod deployment;
pub mod desks;
pub mod events;
#[cfg(unix)]
pub mod fleet;
pub mod front_proxy;
pub mod host;
pub mod inspected;
pub mod log;
pub mod ports;
#[cfg(unix)]
pub mod postgres;
pub mod recorder;
#[cfg(unix)]
pub mod relay;
#[cfg(unix)]
pub mod replicas;
pub mod round_robin;
pub mod session;
#[cfg(unix)]
pub mod small_disk;
pub mod socket;
pub mod tools;
pub mod transport;
pub mod two_ways;
pub mod waiting;
pub mod wire;
pub mod zoo;
