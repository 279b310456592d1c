use ui::prelude::*;

#[requires("repo:delete")]
async fn delete(_github: &AuthedClient<GitHub>) {}

#[requires("repo")]
async fn close(github: &AuthedClient<GitHub>) {
    delete(github).await
}

fn main() {}
