use ui::prelude::*;

/// Does something.
#[tool]
async fn t((_a, _b): (u8, u8)) {}

fn main() {}
