use ui::prelude::*;

#[requires(scopes = "repo")]
async fn close(_github: &AuthedClient<GitHub>) {}

fn main() {}
