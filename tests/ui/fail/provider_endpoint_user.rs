use ui::prelude::*;

#[provider(
    api = "https://u:p@a.example",
    authorize = "https://a.example/a",
    token = "https://a.example/t"
)]
pub enum P {
    #[scope("r")]
    R,
}

fn main() {}
