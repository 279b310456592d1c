use ui::prelude::*;

#[provider(api = "https://a.example", token = "https://a.example/token")]
pub enum Example {
    #[scope("read", access = read)]
    Read,
}

fn main() {}
