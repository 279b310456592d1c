use ui::prelude::*;

#[provider(
    api = "https://a.example",
    authorize = "https://a.example/authorize",
    token = "https://a.example/token",
    token_response(acess_token = "/authed_user/access_token")
)]
pub enum Example {
    #[scope("read", access = read)]
    Read,
}

fn main() {}
