use ui::prelude::*;

#[requires("repo")]
fn close(_github: &AuthedClient<GitHub>) {}

fn main() {}
