use ui::prelude::*;

/// Does something.
#[tool]
async fn t(#[arg(default, length(1..))] _a: String) {}

fn main() {}
