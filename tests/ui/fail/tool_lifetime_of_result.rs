use ui::prelude::*;

/// Does something.
#[tool]
async fn t<'a>() -> &'a str {
    "a"
}

fn main() {}
