use ui::prelude::*;

#[derive(serde::Serialize, schemars::JsonSchema)]
struct P {}
/// Does something.
#[widget(html = "<p></p>")]
async fn t() -> P {
    P {}
}

fn main() {}
