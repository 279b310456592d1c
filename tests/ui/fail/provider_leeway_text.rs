use ui::prelude::*;

#[provider(
    api = "https://a.example",
    authorize = "https://a.example/authorize",
    token = "https://a.example/token",
    refresh_token(leeway = "10m")
)]
pub enum Example {
    #[scope("read", access = read)]
    Read,
}

fn main() {}
