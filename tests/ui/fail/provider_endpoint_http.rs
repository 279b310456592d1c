use ui::prelude::*;

#[provider(
    api = "http://a.example",
    authorize = "https://a.example/authorize",
    token = "https://a.example/token"
)]
pub enum Example {
    #[scope("read", access = read)]
    Read,
}

fn main() {}
