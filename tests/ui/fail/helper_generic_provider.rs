use ui::prelude::*;

#[requires("repo")]
async fn close<P: Provider>(_github: &AuthedClient<P>) {}

fn main() {}
