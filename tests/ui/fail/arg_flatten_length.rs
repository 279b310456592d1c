use ui::prelude::*;

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Cut {
    from: u8,
}

/// Does something.
#[tool]
async fn t(#[arg(length(1..))] #[arg(flatten)] _cut: Cut) {}

fn main() {}
