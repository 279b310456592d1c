use ui::prelude::*;

/// Does something.
#[tool]
async fn t() {}

fn f() {
    let _ = tools![t()];
}

fn main() {}
