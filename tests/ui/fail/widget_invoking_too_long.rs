use toolgate::prelude::*;

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Board {}

/// Shows a board.
#[widget(view = "<p></p>", invoking = "We are looking for the issues of the repository that you have named to us")]
async fn board() -> Board {
    Board {}
}

fn main() {}
