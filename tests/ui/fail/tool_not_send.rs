use ui::prelude::*;

use std::rc::Rc;

/// Does something.
#[tool]
async fn t() {
    let value = Rc::new(1);
    std::future::ready(()).await;
    drop(value);
}

fn main() {}
