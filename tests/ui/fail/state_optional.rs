use ui::prelude::*;

/// Does something.
#[tool]
async fn t(a: Option<State<u8>>) {}

fn main() {}
