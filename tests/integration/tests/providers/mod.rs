//! Every provider of the catalogue against its stand-in: the same eight cases, and the matrix of them
//! in `docs/providers.md`.
//!
//! `cargo matrices` prints the matrix, and with `BLESS=1` writes it.

mod cases;
mod matrix;
mod table;
mod upstream;

use std::panic::AssertUnwindSafe;

use futures::{FutureExt, StreamExt, stream};

use self::{
    cases::Case,
    matrix::{Cell, Known, Matrix},
    table::rows,
};

/// Cells that are known to fail, with the reason. One that passes has to leave the list.
const KNOWN_FAILURES: &Known = &[];

/// How many cases run at a time.
const CONCURRENCY: usize = 8;

#[tokio::test]
async fn every_provider_passes_every_case() {
    let rows = rows();
    let cells = rows.iter().flat_map(|row| Case::ALL.iter().map(move |case| (row, *case)));
    let run = |(row, case): (&'static table::Row, Case)| async move {
        let result = AssertUnwindSafe(cases::run(row, case)).catch_unwind().await;
        let result = result.unwrap_or_else(|_| Err("it panicked".to_owned()));
        Cell { provider: row.name, case, result }
    };
    let cells = stream::iter(cells).map(run).buffered(CONCURRENCY).collect().await;
    let matrix = Matrix::new(cells);
    println!("{matrix}");
    let surprises = matrix.surprises(KNOWN_FAILURES);
    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
    matrix.compare_with_docs(KNOWN_FAILURES);
}
