use ui::prelude::*;

fn main() {
    let _ = path!("/a/{:?}");
}
