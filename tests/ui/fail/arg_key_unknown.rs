use ui::prelude::*;

/// Does something.
#[tool]
async fn t(#[arg(defualt = 1)] _a: u8) {}

fn main() {}
