use std::cell::Cell;

use ui::prelude::*;

/// Does something.
#[tool]
async fn t(state: State<Cell<u8>>) -> String {
    state.get().to_string()
}

fn main() {}
