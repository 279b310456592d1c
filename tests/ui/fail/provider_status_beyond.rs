use ui::prelude::*;

#[provider(
    api = "https://a.example",
    authorize = "https://a.example/authorize",
    token = "https://a.example/token",
    rate_limited(status = 42)
)]
pub enum Example {
    #[scope("read", access = read)]
    Read,
}

fn main() {}
