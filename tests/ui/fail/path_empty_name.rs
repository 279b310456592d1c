use ui::prelude::*;

fn f() {
    let _ = path!("/repos/{}");
}

fn main() {}
