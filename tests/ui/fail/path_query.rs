use ui::prelude::*;

fn f() {
    let _ = path!("/repos?page=1");
}

fn main() {}
