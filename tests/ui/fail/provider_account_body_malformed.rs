use ui::prelude::*;

#[provider(
    api = "https://a.example",
    authorize = "https://a.example/authorize",
    token = "https://a.example/token",
    account(path = "/graphql", body = "{ viewer { id } }", id = "/data/viewer/id")
)]
pub enum Example {
    #[scope("read", access = read)]
    Read,
}

fn main() {}
