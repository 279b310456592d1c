use ui::prelude::*;

#[provider(
    api = "https://a.example",
    authorize = "https://a.example/a",
    token = "https://a.example/t"
)]
pub enum P {
    #[scope("r", access = "read")]
    R,
}

fn main() {}
