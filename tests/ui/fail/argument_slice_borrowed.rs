use ui::prelude::*;

/// Does something.
#[tool]
async fn t(a: &[String]) { let _ = a; }

fn main() {}
