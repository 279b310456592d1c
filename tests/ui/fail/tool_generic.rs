use ui::prelude::*;

/// Does something.
#[tool]
async fn t<T>(_value: T) {}

fn main() {}
