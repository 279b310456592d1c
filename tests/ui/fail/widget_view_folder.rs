use toolgate::prelude::*;

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Board {}

/// Shows a board.
#[widget(view = "views/built")]
async fn board() -> Board {
    Board {}
}

fn main() {}
