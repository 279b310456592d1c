use ui::prelude::*;

/// Does something.
#[tool]
async fn t(#[arg(default = Some(0), range(1..))] _a: Option<u8>) {}

fn main() {}
