use ui::prelude::*;

/// Does something.
#[tool]
async fn a() {}
fn main() {
    let _ = tools!["a"];
}
