use ui::prelude::*;

/// Does something.
#[tool]
async fn t(#[arg(example = "x")] a: u8) { let _ = a; }

fn main() {}
