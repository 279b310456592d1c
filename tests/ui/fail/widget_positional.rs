use ui::prelude::*;

/// Shows something.
#[widget("views/board.html")]
async fn board() -> Props {
    Props {}
}

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Props {}

fn main() {}
