use ui::prelude::*;

#[provider(
    api = "https://a.example",
    authorize = "https://a.example/a",
    token = "https://a.example/t",
    client_auth = "body"
)]
pub enum P {
    #[scope("r")]
    R,
}

fn main() {}
