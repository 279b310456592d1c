use ui::prelude::*;

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Cut {
    from: u8,
}

/// Does something.
#[tool]
async fn t(#[arg(example = "a", flatten)] _cut: Cut) {}

fn main() {}
