use ui::prelude::*;

use std::rc::Rc;

/// Does something.
#[tool(scopes = "repo")]
async fn t(_github: &AuthedClient<GitHub>) {
    let value = Rc::new(1);
    std::future::ready(()).await;
    drop(value);
}

fn main() {}
