use ui::prelude::*;

/// Does something.
#[tool]
async fn t(_a: String) -> &str {
    todo!()
}

fn main() {}
