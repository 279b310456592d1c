use ui::prelude::*;

/// Does something.
#[tool]
async fn t() {}

/// Does something else.
#[tool(name = "t")]
async fn u() {}

fn main() {
    let _ = tools![t, u];
}
