use ui::prelude::*;

#[provider(
    api = "https://a.example",
    authorize = "https://a.example/authorize",
    token = "https://a.example/token",
    revoke = "https://a.example/revoke", revocation(token = bearer, body = json)
)]
pub enum Example {
    #[scope("read", access = read)]
    Read,
}

fn main() {}
