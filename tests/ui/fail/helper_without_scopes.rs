use ui::prelude::*;

#[requires]
async fn close(_github: &AuthedClient<GitHub>) {}

fn main() {}
