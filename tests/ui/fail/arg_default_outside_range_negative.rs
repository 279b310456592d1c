use ui::prelude::*;

/// Does something.
#[tool]
async fn t(#[arg(default = -1, range(0..))] _a: i64) {}

fn main() {}
