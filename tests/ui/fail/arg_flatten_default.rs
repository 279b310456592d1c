use ui::prelude::*;

#[derive(Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Cut {
    from: u8,
}

/// Does something.
#[tool]
async fn t(#[arg(flatten, default)] _cut: Cut) {}

fn main() {}
