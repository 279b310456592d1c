use ui::prelude::*;

/// Ours.
#[catalogue(api = "https://a.example")]
pub enum Ours {
    /// Reads.
    #[scope("read", access = read)]
    Read,
}

fn main() {}
