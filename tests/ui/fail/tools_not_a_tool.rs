use ui::prelude::*;

struct NoTool;

fn f() {
    let _ = tools![NoTool];
}

fn main() {}
