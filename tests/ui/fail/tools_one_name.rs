use ui::prelude::*;

/// Does something.
#[tool]
async fn t() {}

/// Does something.
#[tool(name = "t")]
async fn u() {}

fn f() {
    let _ = tools![t, u];
}

fn main() {}
