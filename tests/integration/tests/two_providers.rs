//! Two providers with one ID, or one registered twice.

use toolgate::{grant::MemoryStore, prelude::*};

mod company {
    use toolgate::prelude::*;

    /// The company's installation.
    #[provider(
        api = "https://gitlab.company.example/api",
        authorize = "https://gitlab.company.example/authorize",
        token = "https://gitlab.company.example/token"
    )]
    pub(super) enum GitLab {
        /// Read your code.
        #[scope("read_api", access = read)]
        Read,
    }

    /// Reads there.
    #[tool(scopes = "read_api")]
    pub(super) async fn read_company(gitlab: AuthedClient<GitLab>) -> Result<String> {
        gitlab.get("/user").send().await?.text().await
    }
}

mod public {
    use toolgate::prelude::*;

    /// The one of all.
    #[provider(
        api = "https://gitlab.example/api",
        authorize = "https://gitlab.example/authorize",
        token = "https://gitlab.example/token"
    )]
    pub(super) enum GitLab {
        /// Read what you have there.
        #[scope("read_code", access = read)]
        Read,
    }

    /// Reads there.
    #[tool(scopes = "read_code")]
    pub(super) async fn read_public(gitlab: AuthedClient<GitLab>) -> Result<String> {
        gitlab.get("/user").send().await?.text().await
    }
}

#[tokio::test]
async fn two_providers_with_one_id_are_refused_at_start() {
    let server = toolgate::Server::new("two", "1")
        .provider(company::GitLab::client("a"))
        .provider(public::GitLab::client("b"))
        .tools(tools![company::read_company, public::read_public])
        .store(MemoryStore::new());
    let error = server.build().await.unwrap_err().to_string();
    for part in ["`gitlab`", "two_providers::company::GitLab`", "two_providers::public::GitLab`"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    let twice = toolgate::Server::new("twice", "1")
        .provider(public::GitLab::client("a"))
        .provider(public::GitLab::client("b"))
        .tools(tools![public::read_public])
        .store(MemoryStore::new());
    let error = twice.build().await.unwrap_err().to_string();
    assert!(error.contains("is registered twice"), "{error}");
}
