use ui::prelude::*;

struct Issue;

/// Does something.
#[tool]
async fn t() -> Result<Json<Issue>> {
    todo!()
}

fn main() {}
