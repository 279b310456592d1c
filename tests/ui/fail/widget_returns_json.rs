use toolgate::prelude::*;

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Board {}

/// Shows a board.
#[widget(view = "<p></p>")]
async fn board() -> Result<Json<Board>> {
    Ok(Json(Board {}))
}

fn main() {}
