use ui::prelude::*;

/// Does something.
#[tool]
async fn t(a: [u8]) {}

fn main() {}
