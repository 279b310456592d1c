use ui::prelude::*;

/// Measures.
#[tool]
async fn größe() {}

fn main() {}
