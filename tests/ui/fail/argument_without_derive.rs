use ui::prelude::*;

struct Filter;

/// Does something.
#[tool]
async fn t(_filter: Filter) {}

fn main() {}
