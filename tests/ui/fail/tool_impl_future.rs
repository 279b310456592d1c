use std::future::Future;

use ui::prelude::*;

/// Does something.
#[tool]
fn t() -> impl Future<Output = String> {
    async { String::new() }
}

fn main() {
    let _ = tools![t];
}
