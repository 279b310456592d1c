use ui::prelude::*;

/// Does something.
#[tool]
async fn t(#[arg(optional)] a: String) { let _ = a; }

fn main() {}
