use ui::prelude::*;

/// Does something.
#[tool(app_only, model_only)]
async fn t() {}

fn main() {}
