use ui::prelude::*;

/// Does something.
#[tool]
async fn t(#[arg(default = "one")] _a: u8) {}

fn main() {}
