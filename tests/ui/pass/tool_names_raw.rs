use ui::prelude::*;

/// Does something.
#[tool]
async fn r#match(r#type: String) -> String {
    r#type
}

/// A provider.
#[provider(
    api = "https://a.example",
    authorize = "https://a.example/authorize",
    token = "https://a.example/token"
)]
#[allow(non_camel_case_types)]
pub enum r#type {
    #[scope("in", access = read)]
    r#in,
}

/// Does something.
#[tool(scopes(r#in))]
async fn reads(_client: AuthedClient<r#type>) {}

pub fn main() {
    assert_eq!(tools![r#match].entries()[0].name(), "match");
    let _ = (r#match, reads);
}
