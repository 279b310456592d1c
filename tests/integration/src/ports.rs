//! Ports for programs that a test starts, and starts again.

use std::{
    net::TcpListener,
    process,
    sync::atomic::{AtomicU16, Ordering},
};

/// Where the ports begin. They end before those that the system gives to connections, and to listeners
/// that ask for any port.
const FIRST: u16 = 10_000;

/// How many there are.
const MAX_PORTS: u16 = 20_000;

/// A port of this machine where nobody listens, and that stays free until the program listens there: no
/// connection gets it, and no other test of this process.
///
/// # Panics
///
/// All are taken.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Processes that run at once begin far from each other.
    let begin = process::id().wrapping_mul(997) % u32::from(MAX_PORTS);
    let begin = u16::try_from(begin).unwrap_or_default();
    let ports = (0..MAX_PORTS)
        .map(|_| FIRST + (begin + NEXT.fetch_add(1, Ordering::Relaxed) % MAX_PORTS) % MAX_PORTS);
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    ports.into_iter().find(is_free).expect("a free port")
}
