use ui::prelude::*;

#[provider(
    api = "https://a.example",
    authorize = "https://a.example/authorize",
    token = "https://a.example/token",
    api_headers("Authorization" = "Basic x")
)]
pub enum Example {
    #[scope("read", access = read)]
    Read,
}

fn main() {}
