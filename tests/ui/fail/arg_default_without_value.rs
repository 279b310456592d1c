use ui::prelude::*;

/// Does something.
#[tool]
async fn t(#[arg(default = )] a: u8) { let _ = a; }

fn main() {}
