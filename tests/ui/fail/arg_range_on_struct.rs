use ui::prelude::*;

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct A {
    x: u8,
}
/// Does something.
#[tool]
async fn t(#[arg(range(1..=10))] a: A) {}

fn main() {}
