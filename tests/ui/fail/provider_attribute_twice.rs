use ui::prelude::*;

#[catalogue]
#[catalogue]
pub enum Ours {
    /// Reads.
    #[scope("read", access = read)]
    Read,
}

fn main() {}
