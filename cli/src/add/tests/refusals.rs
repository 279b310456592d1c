//! Refusals: files that cannot be edited safely, and the messages for them.

use expect_test::expect;

use super::Written;

fn refused(main: &str, command: &str) -> String {
    Written::new(main).add(command).unwrap_err()
}

const MAIN: &str = "use toolgate::prelude::*;
use toolgate_providers::GitHub;

fn main() -> Result<()> {
    toolgate::server!().provider(GitHub::from_env()?).tools(tools![]).serve()
}
";

#[test]
fn a_server_in_another_file_is_named_with_what_to_write() {
    let project = Written::new("mod app;\n\nfn main() {\n    app::serve();\n}\n");
    project.put("src/app.rs", "pub fn serve() {\n    toolgate::server!().serve();\n}\n");
    expect![[r#"
        Nothing was written: the server is built in src/app.rs:2, not in src/main.rs.

        In Cargo.toml, the dependency `toolgate-providers`:

            features = [.., "slack"]

        Among the imports:

            use toolgate_providers::Slack;

        With the other tools:

            /// Lists the public channels of the user's Slack workspace.
            #[tool(scopes = "channels:read")]
            async fn slack_channels(slack: AuthedClient<Slack>) -> Result<String> {
                slack.get("/conversations.list").send().await?.text().await
            }

        In the builder of the server:

            .provider(Slack::from_env()?)

        In the list of tools:

            tools![.., slack_channels]

        In .env.example:

            # Slack: https://docs.slack.dev/authentication/installing-with-oauth
            # 1. Open [Your apps](https://api.slack.com/apps) and choose "Create New App", "From scratch".
            # 2. Under "OAuth & Permissions", add the redirect URL of your server:
            #    `https://tools.example/callback/slack`. Slack wants https: for development put a tunnel in
            #    front.
            # 3. There, under "User Token Scopes", add every scope that your tools declare.
            # 4. Set `SLACK_CLIENT_ID` and `SLACK_CLIENT_SECRET` from "Basic Information".
            #
            # Redirect URI: https://tools.example/callback/slack
            # It wants https: set TOOLGATE_PUBLIC_URL, and sign people in with a gate or a broker.
            SLACK_CLIENT_ID=
            SLACK_CLIENT_SECRET=
    "#]].assert_eq(&project.add("provider slack").unwrap_err());
    expect![[r#"
        Nothing was written: the server is built in src/app.rs:2, not in src/main.rs.

        With the other tools:

            /// What it does.
            #[tool(scopes = ["a", "b"])]
            async fn ping() -> Result<String> {
                todo!()
            }

        In the list of tools:

            tools![.., ping]
    "#]]
    .assert_eq(&project.add("tool ping --scopes a,b").unwrap_err());
    expect![[r#"
        Nothing was written: the server is built in src/app.rs:2, not in src/main.rs.

        In src/gate.rs:

            //! The gate: people of Auth0, once the environment names it.
            //!
            //! Until then, development people sign in with one click, on this machine alone.

            use toolgate::{
                Result, env,
                gate::{self, Gate, SignIn},
            };

            /// Returns the gate that the environment describes, if it does.
            pub(crate) fn from_env() -> Result<Option<Gate>> {
                let Some(domain) = env::var("AUTH0_DOMAIN") else {
                    return Ok(None);
                };
                let verifier = gate::auth0(&domain)?;
                let gate = Gate::new(verifier).sign_in(sign_in()?);
                Ok(Some(gate))
            }

            /// Returns the client with which people sign in when they open a link to connect an account.
            fn sign_in() -> Result<SignIn> {
                let client = SignIn::client(env::require("AUTH0_CLIENT_ID")?);
                Ok(match env::var("AUTH0_CLIENT_SECRET") {
                    Some(secret) => client.secret(secret),
                    None => client,
                })
            }

        In the program:

            mod gate;

        In the builder of the server:

            // with a catalogue, in place of `.dev::<Access>(people)`:
            .gate_or_dev::<Access>(gate::from_env()?, people)

        In .env.example:

            # Auth0: https://auth0.com
            # In the dashboard:
            # 1. Applications > APIs > Create API: the identifier is the URL of the resource, the signing
            #    algorithm RS256. Add the scopes under Permissions.
            # 2. Settings > Advanced: switch on Resource Parameter Compatibility Profile, so that the `resource`
            #    which hosts send selects the API. Otherwise tokens are opaque or for another API.
            # 3. Settings > Advanced: switch on Dynamic Client Registration, if hosts shall register themselves,
            #    and promote a connection to the domain level.
            #
            # The URL of the resource is TOOLGATE_PUBLIC_URL with `/mcp`: http://127.0.0.1:8765/mcp by default.
            # Without step 3 hosts need a client that was registered by hand, or the broker.
            # Such as acme.eu.auth0.com
            AUTH0_DOMAIN=
            # A client with which people sign in when they open a link to connect an account.
            # Redirect URI: http://127.0.0.1:8765/signed-in
            AUTH0_CLIENT_ID=
            AUTH0_CLIENT_SECRET=
    "#]].assert_eq(&project.add("gate auth0").unwrap_err());
    assert!(project.add("widget board").unwrap_err().contains("views/board.html"));
}

#[test]
fn a_program_that_is_not_understood_is_not_edited() {
    for (main, reason) in [
        ("", "src/main.rs does not exist or is empty"),
        ("fn main() {}", "src/main.rs has no `toolgate::server!()` outside macros and tests"),
        ("fn main() { run!(toolgate::server!()); }", "has no `toolgate::server!()`"),
        (
            "#[cfg(test)]\nmod tests { fn a() { server!().tools(x); } }",
            "has no `toolgate::server!()`",
        ),
        ("fn main() { axum::Server::new(1); other::server!(); }", "has no `toolgate::server!()`"),
        (
            "fn main() { if a {\nserver!()\n} else {\nserver!().tools(x)\n}; }",
            "builds several servers, at lines 2, 4",
        ),
        ("fn main() { server!() ", "src/main.rs cannot be read"),
    ] {
        for command in ["provider slack", "tool ping", "widget board", "gate auth0"] {
            let error = refused(main, command);
            assert!(error.contains(reason), "{main}: {error}");
            assert!(error.contains("Nothing was written"), "{error}");
        }
    }
}

#[test]
fn a_client_is_inserted_only_into_a_function_that_returns_a_result() {
    for around in [
        "fn server() -> Server { BUILDER }",
        "fn server() { BUILDER }",
        "fn server() -> std::io::Result<()> { BUILDER }",
        "fn server() -> Result<()> { let make = || BUILDER; }",
        "fn server() -> Result<()> { spawn(async { BUILDER }); }",
    ] {
        let main = format!("use toolgate::prelude::*; {around}")
            .replace("BUILDER", "toolgate::server!().dev::<A>([]).tools(tools![])");
        for command in ["provider slack", "gate auth0"] {
            let error = refused(&main, command);
            assert!(error.contains("returns no Result"), "{main}: {error}");
        }
        Written::new(&main).add("tool ping").unwrap();
    }
}

#[test]
fn a_project_with_a_sign_in_gets_no_second_gate() {
    for (builder, reason) in [
        ("server!().gate(g)", "a gate exists already"),
        ("server!().gate_or_dev::<A>(g, p)", "a gate exists already"),
        ("server!().broker::<GitHub>(|broker| broker)", "own broker"),
        ("server!().title(\"a\")", "no `.dev::<Access>(people)`"),
    ] {
        let main = format!("fn main() -> Result<()> {{ {builder} }}");
        let error = refused(&main, "gate auth0");
        assert!(error.contains(reason), "{error}");
    }
    let main =
        "use toolgate::gate::{self, Gate};\nfn main() -> Result<()> { server!().dev::<A>(p) }";
    assert!(refused(main, "gate auth0").contains("the name `gate` is taken"));
    let project = Written::new("fn main() -> Result<()> { server!().dev::<A>(p) }");
    project.put("src/gate.rs", "");
    assert!(project.add("gate auth0").unwrap_err().contains("src/gate.rs exists already"));
}

#[test]
fn names_that_are_taken_stay() {
    let with = |item: &str| format!("{MAIN}\n{item}\n");
    for item in [
        "fn ping() {}",
        "use a::ping;",
        "use a::{b as ping};",
        "mod ping {}",
        "static ping: u8 = 1;",
    ] {
        assert!(refused(&with(item), "tool ping").contains("`ping` exists already"), "{item}");
    }
    assert!(refused(&MAIN.replace("![]", "![ping]"), "tool ping").contains("exists already"));
    assert!(
        refused(&with("struct Slack;"), "provider slack").contains("the name `Slack` is taken")
    );
    assert!(
        refused(&with("use toolgate_providers::{Slack};"), "provider slack")
            .contains("exists already")
    );
    assert!(refused(MAIN, "provider github").contains("exists already"));
    let qualified = MAIN.replace("provider(GitHub", "provider(toolgate_providers::Slack");
    assert!(refused(&qualified, "provider slack").contains("exists already"));
    let project = Written::new(MAIN);
    project.put("views/board.html", "mine");
    assert!(project.add("widget board").unwrap_err().contains("views/board.html exists already"));
    project.put("calls/ping.json", "mine");
    assert!(project.add("tool ping").unwrap_err().contains("calls/ping.json exists already"));
}

#[test]
fn an_unknown_name_suggests_the_most_similar_one() {
    for (command, hint) in [
        ("provider githab", "did you mean `github`?"),
        ("provider slack --scopes chat:writ", "did you mean `chat:write`?"),
        ("provider nothing", "There are: "),
        ("gate auth", "did you mean `auth0`?"),
        ("tool ping --scopes rep", "did you mean `repo`?"),
        (
            "tool ping --scopes chat:write",
            "`cargo toolgate add provider slack --scopes chat:write`",
        ),
        ("tool fn --scopes repo", "a keyword of Rust"),
        ("tool Ping", "write `ping`"),
        ("widget the-board", "write `the_board`"),
    ] {
        let error = refused(MAIN, command);
        assert!(error.contains(hint), "{command}: {error}");
    }
}

#[test]
fn a_scope_of_several_providers_needs_the_name_of_one() {
    let main = MAIN.replace(
        "fn main",
        "#[catalogue]\nenum Ours {\n    /// All.\n    #[scope(\"repo\")]\n    Repo,\n}\n\nfn main",
    );
    let error = refused(&main, "tool ping --scopes repo");
    assert!(error.contains("`repo` is a scope of Ours and of GitHub: say `--of Ours`"), "{error}");
    let after = Written::new(&main).main_after("tool ping --scopes repo --of GitHub");
    assert!(after.contains("async fn ping(github: AuthedClient<GitHub>)"), "{after}");
}

#[test]
fn a_workspace_and_an_empty_folder_are_no_project() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("Cargo.toml"), "[workspace]\n").unwrap();
    let error = super::Project::find(folder.path()).err().unwrap().to_string();
    assert!(error.contains("is a workspace"), "{error}");
}
