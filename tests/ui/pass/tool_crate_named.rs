use ui::prelude::*;

/// Does something.
#[renamed::tool(crate = ::renamed, scopes = "repo")]
async fn t(_github: AuthedClient<GitHub>) {}

#[renamed::requires("repo", crate = ::renamed)]
async fn helper(_github: &AuthedClient<GitHub>) {}

pub fn main() {
    let _ = t;
    let _ = helper::<t>;
}
