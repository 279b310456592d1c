use toolgate::prelude::*;

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Board {}

/// Shows a board.
#[widget(view = "<p></p>", veiw = "<p></p>")]
async fn board() -> Board {
    Board {}
}

fn main() {}
