use ui::prelude::*;

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Page { n: u32 }

/// Lists.
#[tool]
async fn list(#[arg(range(1..=3))] page: Page) -> String {
    page.n.to_string()
}

fn main() {}
