use ui::prelude::*;

#[provider(
    api = "https://a.example",
    authorize = "https://a.example/authorize",
    token = "https://a.example/token",
    authorize_params(access_type = "offline")
)]
pub enum Example {
    /// Reads.
    #[scope("read", access = read)]
    Read,
}

fn main() {}
