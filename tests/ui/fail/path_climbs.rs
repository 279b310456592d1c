use ui::prelude::*;

fn f() {
    let _ = path!("/repos/../user");
}

fn main() {}
