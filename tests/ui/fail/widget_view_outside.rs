use toolgate::prelude::*;

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Board {}

/// Shows a board.
#[widget(view = "../views/board.html")]
async fn board() -> Board {
    Board {}
}

fn main() {}
