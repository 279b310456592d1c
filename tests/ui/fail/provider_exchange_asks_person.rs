use ui::prelude::*;

#[provider(
    api = "https://{shop}.shops.example",
    token = "https://a.example/token",
    issuer = "https://a.example",
    grant = token_exchange,
    placeholders(shop(from = person, label = "Your shop"))
)]
pub enum Example {
    #[scope("read", access = read)]
    Read,
}

fn main() {}
