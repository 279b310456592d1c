use ui::prelude::*;

struct Service;

impl Service {
    /// Does something.
    #[tool]
    async fn t(&self) {}
}

fn main() {}
