use ui::prelude::*;

/// Does something.
#[tool]
async fn t(_github: AuthedClient<GitHub>) {}

fn main() {}
