//! `Cargo.toml` of a project.

use std::fmt::Write as _;

use super::{
    answers::{Answers, Store, Widget},
    destination::Source,
    program,
};

const PROFILES: &str = r#"
[lints.rust]
unsafe_code = "forbid"

[lints.clippy]
pedantic = { level = "warn", priority = -1 }

# A change is built and linked again in a moment; backtraces have the lines of this package.
[profile.dev]
debug = "line-tables-only"

[profile.dev.package."*"]
debug = false

[profile.release]
lto = "thin"
strip = true
"#;

pub(super) fn of(answers: &Answers, source: &Source) -> String {
    let mut text = format!(
        "[package]\nname = \"{}\"\ndescription = \"{}.\"\nversion = \"0.1.0\"\nedition = \"2024\"\npublish = false\n\n[dependencies]\n",
        answers.name,
        program::about(answers)
    );
    if answers.widget != Widget::None {
        text.push_str("schemars = \"1\"\nserde = { version = \"1\", features = [\"derive\"] }\n");
    }
    let sends_json = answers.providers.iter().any(|chosen| chosen.provider.tool.body.is_some());
    if sends_json {
        text.push_str("serde_json = \"1\"\n");
    }
    text.push_str("tokio = { version = \"1\", features = [\"macros\", \"rt-multi-thread\"] }\n");
    if let Source::Checkout(_) = source {
        text.push_str("# From the checkout of which `cargo toolgate` was installed.\n");
    }
    let features = match answers.store {
        Store::Sqlite => "\"dev\"",
        Store::Postgres => "\"dev\", \"postgres\"",
    };
    let _ = writeln!(text, "toolgate = {{ {}, features = [{features}] }}", at(source, "runtime"));
    if !answers.providers.is_empty() {
        let mut features: Vec<_> =
            answers.providers.iter().map(|one| format!("\"{}\"", one.provider.feature)).collect();
        features.sort_unstable();
        let _ = writeln!(
            text,
            "toolgate-providers = {{ {}, features = [{}] }}",
            at(source, "providers"),
            features.join(", ")
        );
    }
    if !sends_json {
        text.push_str("\n[dev-dependencies]\nserde_json = \"1\"\n");
    }
    text + PROFILES
}

/// Where a crate is, as a dependency has it.
pub(crate) fn at(source: &Source, folder: &str) -> String {
    match source {
        Source::Checkout(root) => {
            let path = root.join(folder).display().to_string().replace('\\', "/");
            format!("path = {}", toml_edit::Value::from(path))
        }
        Source::Registry => format!("version = \"{}\"", env!("CARGO_PKG_VERSION")),
    }
}
