use ui::prelude::*;

/// Does something.
#[tool]
async fn t(#[arg(rename = "a b")] a: String) { let _ = a; }

fn main() {}
