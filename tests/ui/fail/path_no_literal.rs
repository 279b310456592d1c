use ui::prelude::*;

fn f(path: &str) {
    let _ = path!(path);
}

fn main() {}
