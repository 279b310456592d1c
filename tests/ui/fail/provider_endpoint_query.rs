use ui::prelude::*;

#[provider(
    api = "https://a.example?x=1",
    authorize = "https://a.example/a",
    token = "https://a.example/t"
)]
pub enum P {
    #[scope("r")]
    R,
}

fn main() {}
