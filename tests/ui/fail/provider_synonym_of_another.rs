use ui::prelude::*;

#[provider(
    api = "https://a.example",
    authorize = "https://a.example/authorize",
    token = "https://a.example/token"
)]
pub enum Example {
    #[scope("read", access = read, also = "write")]
    Read,
    #[scope("write")]
    Write,
}

fn main() {}
