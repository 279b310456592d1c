use ui::prelude::*;

/// Shows something.
#[widget(view = "<p></p>", csp(conect = ["https://a.example"]), scopes = "repo:read")]
async fn board(_github: AuthedClient<GitHub>) -> Props {
    Props {}
}

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Props {}

fn main() {
    let _ = tools![board];
}
