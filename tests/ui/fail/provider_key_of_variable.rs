use ui::prelude::*;

#[provider(
    url = "https://a.example",
    authorize = "https://a.example/a",
    token = "https://a.example/t"
)]
pub enum P {
    #[scope("r")]
    R,
}

fn main() {}
