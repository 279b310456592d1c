use language::prelude::*;

struct NoTool;

fn f() {
    let _ = tools![NoTool];
}

fn main() {}
