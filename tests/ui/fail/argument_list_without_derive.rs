use ui::prelude::*;

struct Filter;

/// Does something.
#[tool]
async fn t(_filters: Option<Vec<Filter>>) {}

fn main() {}
