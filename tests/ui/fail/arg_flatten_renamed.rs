use ui::prelude::*;

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Cut {
    from: u8,
}

/// Does something.
#[tool]
async fn t(#[arg(flatten, rename = "cut")] _cut: Cut) {}

fn main() {}
