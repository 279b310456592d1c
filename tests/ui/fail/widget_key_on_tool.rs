use toolgate::prelude::*;

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Board {}

/// Shows a board.
#[tool(view = "<p></p>")]
async fn board() -> Json<Board> {
    Json(Board {})
}

fn main() {}
