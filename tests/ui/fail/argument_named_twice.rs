use ui::prelude::*;

/// Does something.
#[tool]
async fn t(_a: u8, #[arg(rename = "_a")] _b: u8) {}

fn main() {}
