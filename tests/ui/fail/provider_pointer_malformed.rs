use ui::prelude::*;

#[provider(
    api = "https://a.example",
    authorize = "https://a.example/authorize",
    token = "https://a.example/token",
    token_response(access_token = "authed_user/access_token")
)]
pub enum Example {
    #[scope("read", access = read)]
    Read,
}

fn main() {}
