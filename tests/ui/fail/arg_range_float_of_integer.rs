use ui::prelude::*;

/// Does something.
#[tool]
async fn t(#[arg(range(0.5..=2.5))] a: u8) { let _ = a; }

fn main() {}
