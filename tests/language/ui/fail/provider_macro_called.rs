use language::prelude::*;

fn f() {
    GitHub!();
}

fn main() {}
