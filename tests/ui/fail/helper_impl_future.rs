use std::future::Future;

use ui::prelude::*;

#[requires("repo")]
fn close(_github: &AuthedClient<GitHub>) -> impl Future<Output = ()> {
    async {}
}

fn main() {}
