use ui::prelude::*;

/// Does something.
#[tool]
async fn t(#[arg(range(..))] _a: u8) {}

fn main() {}
