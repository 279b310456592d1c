use ui::prelude::*;

struct Service;

impl Service {
    #[requires("repo")]
    async fn close(&self, _github: &AuthedClient<GitHub>) {}
}

fn main() {}
