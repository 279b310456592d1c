use ui::prelude::*;

pub fn main() {
    /// Does something.
    #[tool(scopes = "repo:read")]
    async fn t(_github: AuthedClient<GitHub>) {}
    assert_eq!(tools![t].entries()[0].name(), "t");
    let _ = t;
}
