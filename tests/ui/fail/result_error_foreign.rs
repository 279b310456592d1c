use ui::prelude::*;

struct Fault;

/// Does something.
#[tool]
async fn t() -> Result<String, Fault> {
    todo!()
}

fn main() {}
