use ui::prelude::*;

/// Does something.
#[tool]
async fn t(_name: &str) {}

fn main() {}
