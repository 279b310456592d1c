use ui::prelude::*;

#[provider("https://a.example")]
pub enum Example {
    /// Reads.
    #[scope("read", access = read)]
    Read,
}

fn main() {}
