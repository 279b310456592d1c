use std::pin::Pin;

use ui::prelude::*;

/// Does something.
#[tool]
async fn t() -> Pin<Box<dyn Future<Output = String> + Send>> {
    todo!()
}

fn main() {}
