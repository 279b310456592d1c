use ui::prelude::*;

#[provider(
    api = "https://a.example",
    authorize = "https://a.example/authorize",
    token = "https://a.example/token",
    api_error(values("false"))
)]
pub enum Example {
    #[scope("read", access = read)]
    Read,
}

fn main() {}
