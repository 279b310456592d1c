use ui::prelude::*;

/// Does something.
#[tool]
async fn a() {}
/// Does something.
#[tool]
async fn b() {}
fn main() {
    let _ = tools![a b];
}
