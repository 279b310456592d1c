//! What is inserted into programs of different shapes.

use expect_test::{Expect, expect};

use super::Written;

fn check(main: &str, command: &str, expected: Expect) {
    expected.assert_eq(&Written::new(main).main_after(command));
}

#[test]
fn a_builder_on_one_line_stays_on_it() {
    let main = "use toolgate::prelude::*;\n\nfn main() -> Result<()> { toolgate::server!().tools(tools![a, b,]).run() }\n";
    check(
        main,
        "tool ping",
        expect![[r#"
        use toolgate::prelude::*;

        /// Ping.
        #[tool]
        async fn ping() -> Result<String> {
            Ok("Done".to_owned())
        }

        fn main() -> Result<()> { toolgate::server!().tools(tools![a, b, ping,]).run() }
    "#]],
    );
    check(
        main,
        "provider github",
        expect![[r#"
        use toolgate::prelude::*;
        use toolgate_providers::GitHub;

        /// Returns the user's profile at GitHub.
        #[tool(scopes = "read:user")]
        async fn github_profile(github: AuthedClient<GitHub>) -> Result<String> {
            github.get("/user").send().await?.text().await
        }

        fn main() -> Result<()> { toolgate::server!().provider(GitHub::from_env()?).tools(tools![a, b, github_profile,]).run() }
    "#]],
    );
}

#[test]
fn a_list_over_lines_gets_a_line() {
    let main = "use toolgate::prelude::*;

/// Adds.
#[tool]
async fn add(a: i64) -> Json<i64> { Json(a) } // kept here

fn main() -> Result<()> {
    Server::new(\"a\", \"1\")
        .tools(tools![
            add, // sums
            other::sub // differences
        ]) // all of them
        .serve()
}
";
    check(
        main,
        "tool ping",
        expect![[r#"
        use toolgate::prelude::*;

        /// Adds.
        #[tool]
        async fn add(a: i64) -> Json<i64> { Json(a) } // kept here

        /// Ping.
        #[tool]
        async fn ping() -> Result<String> {
            Ok("Done".to_owned())
        }

        fn main() -> Result<()> {
            Server::new("a", "1")
                .tools(tools![
                    add, // sums
                    other::sub, // differences
                    ping,
                ]) // all of them
                .serve()
        }
    "#]],
    );
    check(
        &main.replace("sub //", "sub, /* last */ //"),
        "tool ping",
        expect![[r#"
        use toolgate::prelude::*;

        /// Adds.
        #[tool]
        async fn add(a: i64) -> Json<i64> { Json(a) } // kept here

        /// Ping.
        #[tool]
        async fn ping() -> Result<String> {
            Ok("Done".to_owned())
        }

        fn main() -> Result<()> {
            Server::new("a", "1")
                .tools(tools![
                    add, // sums
                    other::sub, /* last */ // differences
                    ping,
                ]) // all of them
                .serve()
        }
    "#]],
    );
}

#[test]
fn a_list_that_the_builder_does_not_have_is_found_or_made() {
    let main = "use toolgate::prelude::*;\n\nfn main() -> Result<()> {\n    let tools = tools![];\n    toolgate::server!().tools(tools).serve()\n}\n";
    check(
        main,
        "tool ping",
        expect![[r#"
        use toolgate::prelude::*;

        /// Ping.
        #[tool]
        async fn ping() -> Result<String> {
            Ok("Done".to_owned())
        }

        fn main() -> Result<()> {
            let tools = tools![ping];
            toolgate::server!().tools(tools).serve()
        }
    "#]],
    );
    let main = "use toolgate::prelude::*;

fn main() -> Result<()> {
    let tools = if cfg!(unix) { tools![a] } else { tools![b] };
    // The server.
    toolgate::server!()
        .title(\"A\") // a title
        .tools(tools)
        .serve()
}
";
    check(
        main,
        "tool ping",
        expect![[r#"
        use toolgate::prelude::*;

        /// Ping.
        #[tool]
        async fn ping() -> Result<String> {
            Ok("Done".to_owned())
        }

        fn main() -> Result<()> {
            let tools = if cfg!(unix) { tools![a] } else { tools![b] };
            // The server.
            toolgate::server!()
                .title("A") // a title
                .tools(tools)
                .tools(tools![ping])
                .serve()
        }
    "#]],
    );
}

#[test]
fn tabs_line_ends_marks_and_letters_of_other_scripts_stay() {
    let main = "\u{feff}#!/usr/bin/env run\n//! Werkzeuge für Äpfel 🍎.\n\nuse toolgate::prelude::*;\nuse toolgate_providers::{\n\tGitHub, // «хаб»\n};\n\n/* ä */ fn main() -> Result<()> {\n\tlet größe = \"日本語\";\n\ttoolgate::server!() // ü\n\t\t.provider(GitHub::from_env()?) /* ö */\n\t\t.tools(tools![größe])\n\t\t.serve()\n}\n";
    let main = main.replace('\n', "\r\n");
    let after = Written::new(&main).main_after("provider slack");
    assert_eq!(after.matches('\n').count(), after.matches("\r\n").count());
    expect![[r#"
        ﻿#!/usr/bin/env run
        //! Werkzeuge für Äpfel 🍎.

        use toolgate::prelude::*;
        use toolgate_providers::{
        	GitHub, // «хаб»
        	Slack,
        };

        /* ä */ 

        /// Lists the public channels of the user's Slack workspace.
        #[tool(scopes = "channels:read")]
        async fn slack_channels(slack: AuthedClient<Slack>) -> Result<String> {
        	slack.get("/conversations.list").send().await?.text().await
        }

        fn main() -> Result<()> {
        	let größe = "日本語";
        	toolgate::server!() // ü
        		.provider(GitHub::from_env()?) /* ö */
        		.provider(Slack::from_env()?)
        		.tools(tools![größe, slack_channels])
        		.serve()
        }
    "#]]
    .assert_eq(&after.replace("\r\n", "\n"));
}

#[test]
fn the_builder_may_stand_in_a_module_and_be_hidden_from_macros_and_tests() {
    let main = r##"#![allow(unused)]
macro_rules! build {
    () => {
        toolgate::server!().tools(tools![nothing])
    };
}

mod app {
    use anyhow::Result;

    // What it serves.
    /// The server.
    pub(crate) fn server() -> Result<toolgate::Server> {
        let text = r#"toolgate::server!()"#;
        Ok(toolgate::server!()
            .title("A")
            .tools(toolgate::tools![]))
    }
}

#[cfg(test)]
mod tests {
    use toolgate::prelude::*;

    fn server() -> toolgate::Server {
        toolgate::server!().tools(tools![one])
    }
}
"##;
    check(
        main,
        "tool ping",
        expect![[r##"
        #![allow(unused)]
        macro_rules! build {
            () => {
                toolgate::server!().tools(tools![nothing])
            };
        }

        mod app {
            use anyhow::Result;

            /// Ping.
            #[toolgate::tool]
            async fn ping() -> toolgate::Result<String> {
                Ok("Done".to_owned())
            }

            // What it serves.
            /// The server.
            pub(crate) fn server() -> Result<toolgate::Server> {
                let text = r#"toolgate::server!()"#;
                Ok(toolgate::server!()
                    .title("A")
                    .tools(toolgate::tools![ping]))
            }
        }

        #[cfg(test)]
        mod tests {
            use toolgate::prelude::*;

            fn server() -> toolgate::Server {
                toolgate::server!().tools(tools![one])
            }
        }
    "##]],
    );
    let error = Written::new(main).add("provider github").unwrap_err();
    assert!(error.contains("does not import `toolgate::prelude::*`"), "{error}");
    let main =
        main.replace("use anyhow::Result;", "use toolgate::prelude::*;\n    use anyhow::Result;");
    let after = Written::new(&main).main_after("provider github");
    expect![[r##"
        mod app {
            use toolgate::prelude::*;
            use anyhow::Result;
            use toolgate_providers::GitHub;

            /// Returns the user's profile at GitHub.
            #[tool(scopes = "read:user")]
            async fn github_profile(github: AuthedClient<GitHub>) -> toolgate::Result<String> {
                github.get("/user").send().await?.text().await
            }

            // What it serves.
            /// The server.
            pub(crate) fn server() -> Result<toolgate::Server> {
                let text = r#"toolgate::server!()"#;
                Ok(toolgate::server!()
                    .title("A")
                    .provider(GitHub::from_env()?)
                    .tools(toolgate::tools![github_profile]))
            }
        }

    "##]]
    .assert_eq(&after[after.find("mod app").unwrap()..after.find("#[cfg").unwrap()]);
}

#[test]
fn new_syntax_is_read() {
    let main = "use toolgate::prelude::*;

async fn r#try() -> Result<()> {
    let c = c\"text\";
    let closure = async |x: &str| x.len();
    if let Some(a) = Some(1) && a > 0 && let Some(_) = Some(2) {}
    let Some(x) = Some(1) else { return Ok(()) };
    unsafe extern \"C\" {}
    toolgate::server!().tools(tools![r#try]).serve().await
}
";
    check(
        main,
        "tool ping",
        expect![[r#"
        use toolgate::prelude::*;

        /// Ping.
        #[tool]
        async fn ping() -> Result<String> {
            Ok("Done".to_owned())
        }

        async fn r#try() -> Result<()> {
            let c = c"text";
            let closure = async |x: &str| x.len();
            if let Some(a) = Some(1) && a > 0 && let Some(_) = Some(2) {}
            let Some(x) = Some(1) else { return Ok(()) };
            unsafe extern "C" {}
            toolgate::server!().tools(tools![r#try, ping]).serve().await
        }
    "#]],
    );
}
