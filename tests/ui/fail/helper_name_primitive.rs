use ui::prelude::*;

#[requires("repo:read")]
async fn bool(_github: &AuthedClient<GitHub>) {}

fn main() {}
