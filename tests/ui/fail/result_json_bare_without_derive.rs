use ui::prelude::*;

struct Issue;

/// Does something.
#[tool]
async fn t() -> Json<Vec<Issue>> {
    Json(Vec::new())
}

fn main() {}
