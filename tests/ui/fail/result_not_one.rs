use ui::prelude::*;

struct Issue;

/// Does something.
#[tool]
async fn t() -> Issue {
    todo!()
}

fn main() {}
