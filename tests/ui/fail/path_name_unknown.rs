use ui::prelude::*;

/// Does something.
#[tool]
async fn t(owner: String) {
    let _ = owner;
    let _ = path!("/repos/{ownr}");
}

fn main() {}
