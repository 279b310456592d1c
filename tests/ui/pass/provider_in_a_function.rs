use ui::prelude::*;

pub fn main() {
    /// Does something.
    #[tool(scopes = "read")]
    async fn t(_example: AuthedClient<Example>) {}

    #[provider(
        api = "https://a.example",
        authorize = "https://a.example/authorize",
        token = "https://a.example/token"
    )]
    enum Example {
        #[scope("read")]
        Read,
    }
    let _ = t;
}
