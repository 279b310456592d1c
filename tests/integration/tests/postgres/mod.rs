//! The store in PostgreSQL, on a server that the tests start. They are skipped where it is not installed.

mod admin;
mod clocks;
mod cuts;
mod disks;
mod failover;
mod keys;
mod migration;
mod outages;
mod proofs;
mod replicas;
mod rotation;
mod schema;
mod silence;
mod store;
mod transport;

use std::sync::Arc;

use integration::postgres::Postgres;
use toolgate::grant::{ManualClock, MasterKey, PostgresStore};

/// A store on a new server, and its clock.
async fn store(server: &Postgres) -> (PostgresStore, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new());
    let options = PostgresStore::at(server.url()).key(MasterKey::generate());
    (options.clock(clock.clone()).open().await.unwrap(), clock)
}
