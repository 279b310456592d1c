use ui::prelude::*;

#[requires("rpeo")]
async fn close(_github: &AuthedClient<GitHub>) {}

fn main() {}
