use ui::prelude::*;

#[requires(["repo:read", "user:email"])]
async fn close(_github: &AuthedClient<GitHub>) {}

fn main() {}
