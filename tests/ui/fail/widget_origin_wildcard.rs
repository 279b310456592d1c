use toolgate::prelude::*;

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Board {}

/// Shows a board.
#[widget(view = "<p></p>", csp(connect = ["https://*.example"]))]
async fn board() -> Board {
    Board {}
}

fn main() {}
