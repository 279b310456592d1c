use toolgate::prelude::*;

/// Shows a board.
#[widget(view = "<p></p>")]
async fn board() -> Result<Bare> {
    Ok(Bare {})
}

#[derive(serde::Serialize)]
struct Bare {}

fn main() {}
