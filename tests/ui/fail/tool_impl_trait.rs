use ui::prelude::*;

/// Does something.
#[tool]
async fn t(_value: impl Send) {}

fn main() {}
