use ui::prelude::*;

mod ids {
    pub const ID: u8 = 1;
}

fn main() {
    let _ = path!("/a/{ids::ID:?}");
}
