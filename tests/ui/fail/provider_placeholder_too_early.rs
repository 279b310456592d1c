use ui::prelude::*;

#[provider(
    api = "https://a.example",
    authorize = "https://a.example/authorize",
    token = "https://a.example/{site}/token",
    placeholders(site(from = token_response, pointer = "/site"))
)]
pub enum Example {
    #[scope("read", access = read)]
    Read,
}

fn main() {}
