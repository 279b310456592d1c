use toolgate::prelude::*;

#[provider(api = "https://a.example", authorize = "https://a.example/a", token = "https://a.example/t")]
pub enum P {
    /// Reads.
    #[scope("all", access = read, implies(Write))]
    All,
    /// Writes.
    #[scope("write", access = write)]
    Write,
}

fn main() {}
