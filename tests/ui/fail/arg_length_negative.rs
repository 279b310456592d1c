use ui::prelude::*;

/// Does something.
#[tool]
async fn t(#[arg(length(-1..=5))] a: String) { let _ = a; }

fn main() {}
