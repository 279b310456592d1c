use ui::prelude::*;

/// Does something.
#[tool]
async fn t(#[arg(flatten)] a: String) { let _ = a; }

fn main() {}
