use ui::prelude::*;

/// Does something.
#[tool]
async fn t(#[arg(default = )] a: u8) {}

fn main() {}
