use language::prelude::*;

#[tool]
async fn t() {}

fn main() {}
