use ui::prelude::*;

fn f() {
    GitHub!();
}

fn main() {}
