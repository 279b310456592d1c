use ui::prelude::*;

#[provider(
    api = "a.example",
    authorize = "https://a.example/authorize",
    token = "https://a.example/token"
)]
pub enum Example {
    #[scope("read", access = read)]
    Read,
}

fn main() {}
