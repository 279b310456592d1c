use ui::prelude::*;

fn main() {
    let s = String::new();
    let _ = path!("/a/{s:?}");
}
