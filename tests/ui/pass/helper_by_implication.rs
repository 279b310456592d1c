use ui::prelude::*;

#[requires("repo:read")]
async fn read(_github: &AuthedClient<GitHub>) {}

#[requires("repo")]
async fn write(github: &AuthedClient<GitHub>) {
    read(github).await
}

/// Does something.
#[tool(scopes = "repo")]
async fn t(github: AuthedClient<GitHub>) {
    write(&github).await;
    read(&github).await;
}

pub fn main() {
    let _ = t;
}
