use ui::prelude::*;

/// Does something.
#[tool]
async fn t(#[arg(range(1u8..))] a: f64) { let _ = a; }

fn main() {}
