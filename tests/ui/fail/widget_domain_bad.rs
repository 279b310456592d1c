use ui::prelude::*;

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Board {}

/// Shows a board.
#[widget(view = "<p></p>", domain = "https://board.example/app")]
async fn t() -> Board {
    Board {}
}

fn main() {}
