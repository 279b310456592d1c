use ui::prelude::*;

#[provider(api = "https://a.example", token = "https://a.example/token", grant = token_exchange)]
pub enum Example {
    #[scope("read", access = read)]
    Read,
}

fn main() {}
