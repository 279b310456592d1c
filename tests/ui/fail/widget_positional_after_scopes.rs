use ui::prelude::*;

/// Shows something.
#[widget(scopes = "repo:read", "views/board.html")]
async fn board(a: AuthedClient<GitHub>) -> Props {
    let _ = a;
    Props {}
}

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Props {}

fn main() {}
