use ui::prelude::*;

#[requires("repo:read")]
async fn fetch<T: serde::de::DeserializeOwned + Send>(
    github: &AuthedClient<GitHub>,
    path: toolgate::client::Path,
) -> Result<T> {
    github.get(path).send().await?.json().await
}

/// Does something.
#[tool(scopes = "repo:read")]
async fn t(github: AuthedClient<GitHub>) -> Result<String> {
    fetch(&github, path!("/a")).await
}

pub fn main() {
    let _ = t;
}
