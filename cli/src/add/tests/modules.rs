//! What is added to a project whose tools have modules of their own.

use expect_test::expect;

use super::Written;
use crate::new::tool_modules;

const MAIN: &str = r#"//! Tools.

mod tools;

use toolgate::{Server, prelude::*};
use toolgate_providers::GitHub;

/// What people may do here.
#[catalogue]
enum Access {
    /// See your own profile.
    #[scope("profile:read", access = read)]
    ReadProfile,
}

fn server() -> Result<Server> {
    Ok(toolgate::server!()
        .dev::<Access>(["alice"])
        .provider(GitHub::from_env()?)
        .tools(tools::all()))
}
"#;

const INDEX: &str = "//! Tools: a module for each provider.

mod github;

use toolgate::{Tools, prelude::*};

/// Returns every tool.
pub(crate) fn all() -> Tools {
    tools![github::github_profile]
}
";

const GITHUB: &str = r#"//! Tools for GitHub.

use toolgate::prelude::*;
use toolgate_providers::GitHub;

/// Returns the user's profile at GitHub.
#[tool(scopes = "read:user")]
pub(crate) async fn github_profile(github: AuthedClient<GitHub>) -> Result<String> {
    github.get("/user").send().await?.text().await
}

// The end.
"#;

fn project() -> Written {
    let project = Written::new(MAIN);
    project.put("src/tools/mod.rs", INDEX);
    project.put("src/tools/github.rs", GITHUB);
    project
}

#[test]
fn a_provider_has_a_module_and_its_client_is_with_the_others() {
    let project = project();
    let main = project.main_after("provider slack");
    assert!(main.contains("use toolgate_providers::{GitHub, Slack};"), "{main}");
    assert!(main.contains("        .provider(Slack::from_env()?)\n        .tools(tools::all()))"));
    assert!(!main.contains("async fn"), "{main}");
    expect![[r"
        //! Tools: a module for each provider.

        mod github;
        mod slack;

        use toolgate::{Tools, prelude::*};

        /// Returns every tool.
        pub(crate) fn all() -> Tools {
            tools![github::github_profile, slack::slack_channels]
        }
    "]]
    .assert_eq(&project.get("src/tools/mod.rs"));
    expect![[r#"
        //! Tools for Slack.

        use toolgate::prelude::*;
        use toolgate_providers::Slack;

        /// Lists the public channels of the user's Slack workspace.
        #[tool(scopes = "channels:read")]
        pub(crate) async fn slack_channels(slack: AuthedClient<Slack>) -> Result<String> {
            slack.get("/conversations.list").send().await?.text().await
        }
    "#]]
    .assert_eq(&project.get("src/tools/slack.rs"));
}

#[test]
fn a_tool_joins_the_module_of_its_provider() {
    let project = project();
    assert_eq!(project.main_after("tool repositories --scopes repo"), MAIN);
    project.main_after("widget board --scopes repo");
    let index = project.get("src/tools/mod.rs");
    let list = "tools![github::github_profile, github::repositories, github::board]";
    assert!(index.contains(list), "{index}");
    let file = project.get("src/tools/github.rs");
    let added = file.strip_prefix(GITHUB.strip_suffix("\n// The end.\n").unwrap()).unwrap();
    expect![[r#"

        /// Repositories.
        #[tool(scopes = "repo")]
        pub(crate) async fn repositories(github: AuthedClient<GitHub>) -> Result<String> {
            github.get("/user").send().await?.text().await
        }

        /// Board.
        #[widget(scopes = "repo", view = "views/board.html")]
        pub(crate) async fn board(github: AuthedClient<GitHub>) -> Result<Vec<String>> {
            let text = github.get("/user").send().await?.text().await?;
            Ok(vec![text])
        }

        // The end.
    "#]]
    .assert_eq(added);
}

#[test]
fn a_tool_of_no_provider_or_of_several_has_a_module() {
    let project = project();
    project.main_after("provider linear");
    assert_eq!(
        project.main_after("tool ping"),
        project.main_after("tool me --scopes profile:read")
    );
    project.main_after("tool both --scopes profile:read,repo,read");
    expect![[r#"
        //! The tool `both`.

        use crate::Access;
        use toolgate::prelude::*;
        use toolgate_providers::GitHub;
        use toolgate_providers::Linear;

        /// Both.
        #[tool(scopes(caller = "profile:read", github = "repo", linear = "read"))]
        pub(crate) async fn both(
            caller: Caller<Access>,
            github: AuthedClient<GitHub>,
            linear: AuthedClient<Linear>,
        ) -> Result<String> {
            Ok([
                caller.subject().to_owned(),
                github.get("/user").send().await?.text().await?,
                linear
                    .post_read_only("/graphql")
                    .json(&serde_json::json!({ "query": "{ viewer { id name email } }" }))
                    .send()
                    .await?
                    .text()
                    .await?,
            ]
            .join("\n"))
        }
    "#]]
    .assert_eq(&project.get("src/tools/both.rs"));
    assert!(project.get("src/tools/me.rs").contains("use crate::Access;"));
    let list = project.get("src/tools/mod.rs");
    for element in ["ping::ping", "me::me", "both::both", "linear::linear_profile"] {
        assert!(list.contains(&format!("        {element}")), "{list}");
    }
}

#[test]
fn a_name_that_is_declared_anywhere_is_refused() {
    let project = project();
    let refused = |command: &str| project.add(command).unwrap_err();
    assert_eq!(refused("tool github_profile"), "`github_profile` exists already");
    assert!(refused("tool toolgate").contains("is a crate of the project"));
    project.put("src/tools/github.rs", &GITHUB.replace("// The end.", "fn helper() {}"));
    assert_eq!(
        refused("tool helper --scopes repo"),
        "`helper` exists already in src/tools/github.rs"
    );
    project.put("src/tools/github.rs", "fn {");
    assert!(
        refused("tool issues --scopes repo")
            .starts_with("Nothing was written: src/tools/github.rs cannot be read")
    );
}

#[test]
fn a_list_that_is_not_understood_stays_and_the_program_has_the_tool() {
    let project = project();
    let index = INDEX.replace("tools![github::github_profile]", "Tools::default()");
    project.put("src/tools/mod.rs", &index);
    let main = project.main_after("tool ping");
    assert!(
        main.contains("async fn ping()") && main.contains(".tools(toolgate::tools![ping])"),
        "{main}"
    );
    assert_eq!(project.get("src/tools/mod.rs"), index);
}

#[test]
fn the_modules_of_a_new_project_are_understood() {
    let github = crate::catalogue::provider("github").unwrap();
    assert!(GITHUB.starts_with(&tool_modules::head(github)));
    assert_eq!(tool_modules::name(github), "github");
}
