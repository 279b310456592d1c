use ui::prelude::*;

/// Does something.
#[tool]
async fn t(a: dyn std::fmt::Display) {}

fn main() {}
