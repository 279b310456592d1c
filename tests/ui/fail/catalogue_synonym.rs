use ui::prelude::*;

#[catalogue]
pub enum Desk {
    #[scope("desk:read", access = read, also = "desk")]
    Read,
}

fn main() {}
