use ui::prelude::*;

#[provider(
    api = "https://a.example",
    authorize = "https://a.example/authorize",
    token = "https://a.example/token",
    issuer = "https://a.example",
    grant = token_exchange
)]
pub enum Example {
    #[scope("read", access = read)]
    Read,
}

fn main() {}
