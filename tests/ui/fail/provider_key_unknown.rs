use ui::prelude::*;

#[provider(
    api = "https://a.example",
    authorize = "https://a.example/authorize",
    token = "https://a.example/token",
    revok = "https://a.example/revoke"
)]
pub enum Example {
    #[scope("read", access = read)]
    Read,
}

fn main() {}
