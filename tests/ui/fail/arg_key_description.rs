use ui::prelude::*;

/// Does something.
#[tool]
async fn t(#[arg(description = "A thing.")] a: String) { let _ = a; }

fn main() {}
