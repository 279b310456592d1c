use ui::prelude::*;

#[provider(
    api = "https://a.example",
    authorize = "https://a.example/authorize",
    token = "https://a.example/token",
    token_check = "https://a.example/user"
)]
pub enum Example {
    #[scope("read", access = read)]
    Read,
}

fn main() {}
