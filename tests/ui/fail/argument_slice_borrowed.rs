use ui::prelude::*;

/// Does something.
#[tool]
async fn t(a: &[String]) {}

fn main() {}
