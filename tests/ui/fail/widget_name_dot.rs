use ui::prelude::*;

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Board {}

/// Shows a board.
#[widget(name = "board.show", view = "<p></p>")]
async fn t() -> Board {
    Board {}
}

fn main() {}
