use ui::prelude::*;

#[provider(
    api = "https://a.example",
    authorize = "https://a.example/a#x",
    token = "https://a.example/t"
)]
pub enum P {
    #[scope("r")]
    R,
}

fn main() {}
