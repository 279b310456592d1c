use ui::prelude::*;

mod private {
    use super::*;

    #[provider(
        api = "https://a.example",
        authorize = "https://a.example/authorize",
        token = "https://a.example/token"
    )]
    enum Example {
        #[scope("read")]
        Read,
    }

    pub mod child {
        use super::*;

        /// Does something.
        #[tool(scopes(Read))]
        pub(super) async fn t(_example: AuthedClient<Example>) {}
    }

    pub fn names() -> usize {
        let _ = child::t;
        tools![child::t].entries().len()
    }
}

pub fn main() {
    assert_eq!(private::names(), 1);
}
