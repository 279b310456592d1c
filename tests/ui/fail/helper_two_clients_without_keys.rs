use ui::prelude::*;

#[requires("repo")]
async fn close(_github: &AuthedClient<GitHub>, _slack: &AuthedClient<Slack>) {}

fn main() {}
