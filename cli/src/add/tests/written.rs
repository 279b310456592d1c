//! What is added to a project that `new` wrote.

use expect_test::expect;

use super::Written;

/// Without white space at the ends of lines, which recorded texts cannot have.
fn trimmed(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(str::trim_end).collect();
    lines.join("\n") + "\n"
}

const DEV: &str = r#"//! Tools.

use toolgate::{Server, prelude::*};
use toolgate_providers::GitHub;

/// What people may do here.
#[catalogue]
enum Access {
    /// See your own profile.
    #[scope("profile:read", access = read)]
    ReadProfile,
}

/// Says who calls.
#[tool(scopes = "profile:read")]
async fn who_am_i(caller: Caller<Access>) -> String {
    caller.subject().to_owned()
}

/// The server.
fn server() -> Result<Server> {
    Ok(toolgate::server!()
        .title("Tools")
        .dev::<Access>(["alice", "bob"])
        .provider(GitHub::from_env()?)
        .tools(tools![who_am_i]))
}

#[tokio::main]
async fn main() -> Result<()> {
    server()?.serve().await
}
"#;

#[test]
fn a_provider_brings_import_client_tool_feature_variables_and_a_call() {
    let project = Written::new(DEV);
    project.put(".env.example", "# GitHub\r\n# GITHUB_CLIENT_ID=\r\n");
    let diff = project.add("provider slack").unwrap();
    expect![[r#"
        --- a/src/main.rs
        +++ b/src/main.rs
        @@ -1,7 +1,7 @@
         //! Tools.
 
         use toolgate::{Server, prelude::*};
        -use toolgate_providers::GitHub;
        +use toolgate_providers::{GitHub, Slack};
 
         /// What people may do here.
         #[catalogue]
        @@ -17,13 +17,20 @@
             caller.subject().to_owned()
         }
 
        +/// Lists the public channels of the user's Slack workspace.
        +#[tool(scopes = "channels:read")]
        +async fn slack_channels(slack: AuthedClient<Slack>) -> Result<String> {
        +    slack.get("/conversations.list").send().await?.text().await
        +}
        +
         /// The server.
         fn server() -> Result<Server> {
             Ok(toolgate::server!()
                 .title("Tools")
                 .dev::<Access>(["alice", "bob"])
                 .provider(GitHub::from_env()?)
        -        .tools(tools![who_am_i]))
        +        .provider(Slack::from_env()?)
        +        .tools(tools![who_am_i, slack_channels]))
         }
 
         #[tokio::main]
        --- a/Cargo.toml
        +++ b/Cargo.toml
        @@ -4,4 +4,4 @@
 
         [dependencies]
         toolgate = { version = "0.1", features = ["dev"] } # the server
        -toolgate-providers = { version = "0.1", features = ["github"] }
        +toolgate-providers = { version = "0.1", features = ["github", "slack"] }
        --- a/.env.example
        +++ b/.env.example
        @@ -1,2 +1,15 @@
         # GitHub
         # GITHUB_CLIENT_ID=
        +
        +# Slack: https://docs.slack.dev/authentication/installing-with-oauth
        +# 1. Open [Your apps](https://api.slack.com/apps) and choose "Create New App", "From scratch".
        +# 2. Under "OAuth & Permissions", add the redirect URL of your server:
        +#    `https://tools.example/callback/slack`. Slack wants https: for development put a tunnel in
        +#    front.
        +# 3. There, under "User Token Scopes", add every scope that your tools declare.
        +# 4. Set `SLACK_CLIENT_ID` and `SLACK_CLIENT_SECRET` from "Basic Information".
        +#
        +# Redirect URI: https://tools.example/callback/slack
        +# It wants https: set TOOLGATE_PUBLIC_URL, and sign people in with a gate or a broker.
        +SLACK_CLIENT_ID=
        +SLACK_CLIENT_SECRET=
        --- /dev/null
        +++ b/calls/slack_channels.json
        @@ -0,0 +1,8 @@
        +{
        +  "tool": "slack_channels",
        +  "person": "alice",
        +  "arguments": {},
        +  "expect": {
        +    "outcome": "result"
        +  }
        +}
    "#]].assert_eq(&trimmed(&diff));
    assert!(project.get(".env.example").contains("\r\n\r\n# Slack: "));
    let again = project.add("provider slack").unwrap_err();
    assert!(again.contains("exists already"), "{again}");
}

#[test]
fn a_first_provider_brings_its_crate() {
    let main = DEV.replace("use toolgate_providers::GitHub;\n", "");
    let project = Written::new(&main.replace("        .provider(GitHub::from_env()?)\n", ""));
    project.put(
        "Cargo.toml",
        "[package]\nname = \"a\"\nedition = \"2024\"\n\n[dependencies]\ntoolgate = \"0.1\"\n",
    );
    let diff = project.add("provider linear --scopes read").unwrap();
    expect![[r#"
        --- a/src/main.rs
        +++ b/src/main.rs
        @@ -1,6 +1,7 @@
         //! Tools.
 
         use toolgate::{Server, prelude::*};
        +use toolgate_providers::Linear;
 
         /// What people may do here.
         #[catalogue]
        @@ -16,12 +17,26 @@
             caller.subject().to_owned()
         }
 
        +/// Returns the user's profile at Linear.
        +#[tool(scopes = "read")]
        +async fn linear_profile(linear: AuthedClient<Linear>) -> Result<String> {
        +    let body = serde_json::json!({ "query": "{ viewer { id name email } }" });
        +    linear
        +        .post_read_only("/graphql")
        +        .json(&body)
        +        .send()
        +        .await?
        +        .text()
        +        .await
        +}
        +
         /// The server.
         fn server() -> Result<Server> {
             Ok(toolgate::server!()
                 .title("Tools")
                 .dev::<Access>(["alice", "bob"])
        -        .tools(tools![who_am_i]))
        +        .provider(Linear::from_env()?)
        +        .tools(tools![who_am_i, linear_profile]))
         }
 
         #[tokio::main]
        --- a/Cargo.toml
        +++ b/Cargo.toml
        @@ -4,3 +4,5 @@
 
         [dependencies]
         toolgate = "0.1"
        +toolgate-providers = { version = "0.1", features = ["linear"] }
        +serde_json = "1"
        --- /dev/null
        +++ b/.env.example
        @@ -0,0 +1,10 @@
        +# Linear: https://linear.app/developers/oauth-2-0-authentication
        +# 1. Open [Settings, API, new application](https://linear.app/settings/api/applications/new), best
        +#    in a workspace of its own: every admin of the workspace can change it.
        +# 2. Add the callback URL of your server: `http://127.0.0.1:8765/callback/linear`, or
        +#    `https://tools.example/callback/linear`.
        +# 3. Set `LINEAR_CLIENT_ID` and `LINEAR_CLIENT_SECRET`.
        +#
        +# Redirect URI: http://127.0.0.1:8765/callback/linear
        +LINEAR_CLIENT_ID=
        +LINEAR_CLIENT_SECRET=
        --- /dev/null
        +++ b/calls/linear_profile.json
        @@ -0,0 +1,8 @@
        +{
        +  "tool": "linear_profile",
        +  "person": "alice",
        +  "arguments": {},
        +  "expect": {
        +    "outcome": "result"
        +  }
        +}
    "#]].assert_eq(&trimmed(&diff));
}

#[test]
fn a_gate_takes_the_place_of_the_development_sign_in() {
    let project = Written::new(DEV);
    let diff = project.add("gate auth0").unwrap();
    let main = diff.split("--- ").find(|file| file.starts_with("a/src/main.rs")).unwrap();
    expect![[r#"
        a/src/main.rs
        +++ b/src/main.rs
        @@ -1,5 +1,7 @@
         //! Tools.
 
        +mod gate;
        +
         use toolgate::{Server, prelude::*};
         use toolgate_providers::GitHub;
 
        @@ -21,7 +23,7 @@
         fn server() -> Result<Server> {
             Ok(toolgate::server!()
                 .title("Tools")
        -        .dev::<Access>(["alice", "bob"])
        +        .gate_or_dev::<Access>(gate::from_env()?, ["alice", "bob"])
                 .provider(GitHub::from_env()?)
                 .tools(tools![who_am_i]))
         }
    "#]]
    .assert_eq(&trimmed(main));
    assert!(project.add("gate entra").unwrap_err().contains("exists already"));
}

#[test]
fn a_provider_after_a_gate_brings_the_client_with_which_people_sign_in_at_links() {
    let project = Written::new(&DEV.replace("        .provider(GitHub::from_env()?)\n", ""));
    project.add("gate auth0").unwrap();
    assert!(!project.get("src/gate.rs").contains("SignIn"));
    project.add("provider slack").unwrap();
    assert!(project.get("src/gate.rs").contains(".sign_in(sign_in()?)"));
    let variables = project.get(".env.example");
    for name in ["AUTH0_DOMAIN", "SLACK_CLIENT_ID", "AUTH0_CLIENT_ID"] {
        assert_eq!(variables.matches(&format!("{name}=")).count(), 1, "{variables}");
    }
    // A gate that the user has written stays.
    let project = Written::new(DEV);
    project.put("src/gate.rs", "// mine\n");
    project.add("provider slack").unwrap();
    assert_eq!(project.get("src/gate.rs"), "// mine\n");
}

#[test]
fn a_test_joins_those_that_new_wrote() {
    let tests = "//! Tests.\n\nasync fn client(person: &str) -> Client {\n    client.with(dev::token(person).scopes(\"profile:read\"))\n}";
    let project = Written::new(&DEV.replace(
        "ReadProfile,\n",
        "ReadProfile,\n    /// Change it.\n    #[scope(\"profile:write\")]\n    WriteProfile,\n",
    ));
    project.put("src/tests.rs", tests);
    project.add("provider slack").unwrap();
    project.add("tool rename --scopes profile:write,repo").unwrap();
    let text = project.get("src/tests.rs");
    assert!(text.starts_with(&tests.replace(":read", ":read profile:write")), "{text}");
    for function in
        ["async fn answers_after_consent", "async fn slack_channels_answers_after_consent"]
    {
        assert_eq!(text.matches(function).count(), 1, "{text}");
    }
    assert!(text.ends_with("}\n") && syn::parse_file(&text).is_ok(), "{text}");
    // The second provider has the helper.
    project.add("provider linear").unwrap();
    assert_eq!(project.get("src/tests.rs").matches("async fn answers_after_consent").count(), 1);
    // Other people's tests stay.
    let project = Written::new(DEV);
    project.put("src/tests.rs", "fn mine() {}");
    project.add("provider slack").unwrap();
    assert_eq!(project.get("src/tests.rs"), "fn mine() {}");
}

#[test]
fn the_tests_of_a_broker_sign_in_for_the_scopes_of_a_new_tool() {
    let main =
        DEV.replace(".dev::<Access>([\"alice\", \"bob\"])", ".broker::<GitHub>(|broker| broker)");
    let project = Written::new(&main);
    project.put("src/tests.rs", "async fn client(person: &str) {\n    client.sign_in(&client.person(person), \"read:user\").await\n}\n");
    project.add("tool list --scopes repo,read:user").unwrap();
    assert!(project.get("src/tests.rs").contains("\"read:user repo\""));
}

#[test]
fn a_tool_has_the_scopes_of_a_provider_of_a_catalogue_and_of_several() {
    let mut functions = String::new();
    for command in [
        "tool profile --scopes profile:read",
        "tool repositories --scopes repo,read:user",
        "tool both --scopes profile:read,repo",
        "tool ping",
    ] {
        let main = Written::new(DEV).main_after(command);
        let start = main.find("caller.subject().to_owned()\n}\n").unwrap();
        functions += &main[start..main.find("/// The server").unwrap()];
    }
    expect![[r#"
        caller.subject().to_owned()
        }

        /// Profile.
        #[tool(scopes = "profile:read")]
        async fn profile(caller: Caller<Access>) -> Result<String> {
            Ok(caller.subject().to_owned())
        }

        caller.subject().to_owned()
        }

        /// Repositories.
        #[tool(scopes = ["repo", "read:user"])]
        async fn repositories(github: AuthedClient<GitHub>) -> Result<String> {
            github.get("/user").send().await?.text().await
        }

        caller.subject().to_owned()
        }

        /// Both.
        #[tool(scopes(caller = "profile:read", github = "repo"))]
        async fn both(caller: Caller<Access>, github: AuthedClient<GitHub>) -> Result<String> {
            Ok([
                caller.subject().to_owned(),
                github.get("/user").send().await?.text().await?,
            ]
            .join("\n"))
        }

        caller.subject().to_owned()
        }

        /// Ping.
        #[tool]
        async fn ping() -> Result<String> {
            Ok("Done".to_owned())
        }

    "#]]
    .assert_eq(&functions);
}

#[test]
fn a_widget_has_a_page() {
    let project = Written::new(DEV);
    let main = project.main_after("widget issue_board --scopes repo");
    expect![[r#"
        /// Issue board.
        #[widget(scopes = "repo", view = "views/issue_board.html")]
        async fn issue_board(github: AuthedClient<GitHub>) -> Result<Vec<String>> {
            let text = github.get("/user").send().await?.text().await?;
            Ok(vec![text])
        }

    "#]]
    .assert_eq(&main[main.find("/// Issue").unwrap()..main.find("/// The server").unwrap()]);
    let page = project.get("views/issue_board.html");
    assert!(
        page.contains("<title>Issue board</title>") && page.contains("<script toolgate></script>")
    );
    assert!(project.get("calls/issue_board.json").contains("\"issue_board\""));
}

#[test]
fn the_source_of_a_page_in_react_is_of_its_tool() {
    let project = Written::new(DEV);
    project.main_after("widget issue_board --scopes repo --react");
    let source = |path: &str| project.get(&format!("views/issue_board/{path}"));
    for path in [
        "package.json",
        "vite.config.js",
        "tsconfig.json",
        "issue_board.html",
        "src/main.tsx",
        "src/issue_board.tsx",
        "src/page.css",
        "src/tools.d.ts",
    ] {
        let text = source(path).to_lowercase().replace(['-', '_', ' '], "");
        assert!(!text.contains("whoami") && !text.contains("{{"), "{path}: {text}");
    }
    assert!(source("package.json").contains("\"name\": \"issue-board\""));
    assert!(source("vite.config.js").contains("input: 'issue_board.html'"));
    assert!(source("src/main.tsx").contains("import { IssueBoard } from './issue_board';"));
    assert!(source("src/issue_board.tsx").contains("export function IssueBoard()"));
    assert!(source("src/issue_board.tsx").contains("<h1>Issue board</h1>"));
    assert!(source("src/tools.d.ts").contains("issue_board: { arguments: {}; result"));
    // Until Vite has built it, the page is plain HTML.
    assert!(project.get("views/issue_board.html").contains("<script toolgate></script>"));
}
