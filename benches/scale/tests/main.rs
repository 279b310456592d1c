//! The model compared with `Grants` at a small size, and the costs of a large database.
//!
//! `.ci/scale` runs it whole: `TOOLGATE_SCALE=full` is the model of 10 million grants at 1000 replicas,
//! a PostgreSQL with 10 million rows (`TOOLGATE_SCALE_ROWS`), and an `SQLite` database with a million
//! (`TOOLGATE_TEST_ROWS`).

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "counts are far below the limits of their types"
)]

mod database;
mod migration;
mod model;
mod real;
mod sqlite;

/// Whether the sizes are those of the documentation, instead of those of the test suite.
fn is_full() -> bool {
    std::env::var("TOOLGATE_SCALE").is_ok_and(|value| value == "full")
}
