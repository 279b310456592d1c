use ui::GitHub;
use toolgate::prelude::*;

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Board {}

/// Shows a board.
#[widget(view = "<p></p>")]
async fn board(_github: AuthedClient<GitHub>) -> Board {
    Board {}
}

fn main() {}
