use ui::prelude::*;

/// Does something.
#[tool]
async fn t(#[arg(min = 1)] a: u8) { let _ = a; }

fn main() {}
