use ui::prelude::*;

#[provider(
    api = "https://a.example",
    authorize = "https://a.example/a",
    token = "https://a.example/t",
    scope_separator = ""
)]
pub enum P {
    #[scope("r")]
    R,
}

fn main() {}
