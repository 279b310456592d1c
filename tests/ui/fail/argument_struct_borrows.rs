use ui::prelude::*;

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Filter<'a> {
    _name: &'a str,
}

/// Does something.
#[tool]
async fn t(_filter: Filter<'_>) {}

fn main() {}
