use ui::prelude::*;

/// Does something.
#[tool]
async fn t(#[cfg(test)] _a: u8) {}

fn main() {}
