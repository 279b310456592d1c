use ui::prelude::*;

#[provider(
    api = "https://a.example:99999",
    authorize = "https://a.example/a",
    token = "https://a.example/t"
)]
pub enum P {
    #[scope("r")]
    R,
}

fn main() {}
