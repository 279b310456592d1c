use ui::prelude::*;

#[provider(
    api = "https://a.example",
    token = "https://a.example/token",
    issuer = "https://a.example",
    grant = token_exchang
)]
pub enum Example {
    #[scope("read", access = read)]
    Read,
}

fn main() {}
