use toolgate::prelude::*;

/// Shows a board.
#[widget(view = "<p></p>")]
async fn board() {}

fn main() {}
