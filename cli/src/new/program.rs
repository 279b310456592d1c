//! `src/main.rs`: the tools, the server and `main`; where these are too many lines, a module for each
//! provider.

use std::fmt::Write as _;

use super::{
    answers::{Answers, SignIn, Widget},
    doc_text, pieces,
    project::File,
    tool_modules,
};

/// The longest `src/main.rs`, in lines. With more, each provider's tools are a module.
const MAX_LINES: usize = 60;

/// The most providers that the program's description names.
const MAX_NAMED_PROVIDERS: usize = 6;

/// The scope of the server's own that the first tool needs.
pub(super) const OWN_SCOPE: &str = "profile:read";

/// The people who sign in without a password in development.
const PEOPLE: &str = r#"["alice", "bob"]"#;

const CATALOGUE: &str = r#"/// What people may do here.
#[catalogue]
pub(crate) enum Access {
    /// See who you are.
    #[scope("profile:read", access = read)]
    ReadProfile,
}

"#;

const MAIN: &str = "#[tokio::main]
async fn main() -> Result<()> {
    toolgate::env::load()?;
    server()?.serve().await
}
";

/// The program: one file, or several.
pub(super) fn files(answers: &Answers) -> Vec<File> {
    let text = in_one_file(answers);
    if text.lines().count() <= MAX_LINES {
        return vec![File::new("src/main.rs", text)];
    }
    let mut files = vec![File::new("src/main.rs", with_modules(answers))];
    files.extend(tool_modules::of(answers));
    files
}

/// Whether each provider's tools are a module.
pub(super) fn has_modules(answers: &Answers) -> bool {
    in_one_file(answers).lines().count() > MAX_LINES
}

fn in_one_file(answers: &Answers) -> String {
    let mut text = format!("//! {}.\n\n", doc_text::of(&about(answers)));
    if answers.sign_in.preset().is_some() {
        text.push_str("mod gate;\n");
    }
    text.push_str("#[cfg(test)]\nmod tests;\n\n");
    text.push_str(widget_imports(answers));
    imports(&mut text, answers);
    if has_catalogue(answers) {
        text.push_str(CATALOGUE);
    }
    text.push_str(&who_am_i(answers, ""));
    let mut tools = vec!["who_am_i".to_owned()];
    for chosen in &answers.providers {
        let piece = pieces::provider_tool(chosen.provider, &chosen.scopes, "");
        let _ = write!(text, "{}\n\n", piece.item);
        tools.push(piece.name);
    }
    text.push_str(&server(answers, &pieces::tools_argument(&tools, "        ")));
    text.push_str(MAIN);
    text
}

fn with_modules(answers: &Answers) -> String {
    let mut text = format!("//! {}.\n\n", doc_text::of(&about(answers)));
    if answers.sign_in.preset().is_some() {
        text.push_str("mod gate;\n");
    }
    text.push_str("#[cfg(test)]\nmod tests;\nmod tools;\n\n");
    imports(&mut text, answers);
    if has_catalogue(answers) {
        text.push_str(CATALOGUE);
    }
    text.push_str(&server(answers, "tools::all()"));
    text.push_str(MAIN);
    text
}

/// Whether the server has scopes of its own.
pub(super) fn has_catalogue(answers: &Answers) -> bool {
    answers.sign_in.broker().is_none()
}

/// The imports that the first tool's page needs.
pub(super) fn widget_imports(answers: &Answers) -> &'static str {
    match answers.widget {
        Widget::None => "",
        Widget::Html | Widget::React => "use schemars::JsonSchema;\nuse serde::Serialize;\n",
    }
}

fn imports(text: &mut String, answers: &Answers) {
    text.push_str("use toolgate::{Server, prelude::*};\n");
    let mut types: Vec<_> = answers.providers.iter().map(|one| &*one.provider.ty).collect();
    types.sort_unstable();
    if !types.is_empty() {
        text.push_str(&pieces::import("toolgate_providers", &types));
    }
    text.push('\n');
}

/// What the program is, in a line.
pub(super) fn about(answers: &Answers) -> String {
    let names: Vec<_> = answers.providers.iter().map(|one| &*one.provider.name).collect();
    match &*names {
        [] => format!("{}: tools for AI agents", answers.title()),
        [one] => format!("{}: tools for {one}", answers.title()),
        all if all.len() > MAX_NAMED_PROVIDERS => {
            let (named, others) = all.split_at(MAX_NAMED_PROVIDERS - 1);
            let named = named.join(", ");
            format!("{}: tools for {named} and {} others", answers.title(), others.len())
        }
        [all @ .., last] => format!("{}: tools for {} and {last}", answers.title(), all.join(", ")),
    }
}

/// The first tool, and what its page shows.
pub(super) fn who_am_i(answers: &Answers, visibility: &str) -> String {
    let has_catalogue = has_catalogue(answers);
    let caller = if has_catalogue { "Caller<Access>" } else { "Caller" };
    let scopes = if has_catalogue { format!("scopes = \"{OWN_SCOPE}\"") } else { String::new() };
    let separator = if has_catalogue { ", " } else { "" };
    if answers.widget != Widget::None {
        return format!(
            "/// What `views/who_am_i.html` shows.\n#[derive(Serialize, JsonSchema)]\n{visibility}struct Person {{\n    name: String,\n}}\n\n/// Shows who calls.\n#[widget({scopes}{separator}view = \"views/who_am_i.html\")]\n{visibility}async fn who_am_i(caller: {caller}) -> Person {{\n    Person {{\n        name: caller.subject().to_owned(),\n    }}\n}}\n\n"
        );
    }
    let attribute = if has_catalogue { format!("#[tool({scopes})]") } else { "#[tool]".to_owned() };
    format!(
        "/// Says who calls.\n{attribute}\n{visibility}async fn who_am_i(caller: {caller}) -> String {{\n    caller.subject().to_owned()\n}}\n\n"
    )
}

fn server(answers: &Answers, tools: &str) -> String {
    let mut text =
        "/// Returns the server: who signs in, the providers, and the tools.\n".to_owned();
    if answers.providers.is_empty() && matches!(answers.sign_in, SignIn::Dev) {
        text.push_str(
            "#[allow(clippy::unnecessary_wraps, reason = \"a provider or a gate may fail\")]\n",
        );
    }
    text.push_str("fn server() -> Result<Server> {\n    Ok(toolgate::server!()\n");
    let _ = writeln!(text, "        .title(\"{}\")", answers.title());
    let _ = match answers.sign_in {
        SignIn::Dev => writeln!(text, "        .dev::<Access>({PEOPLE})"),
        SignIn::Gate(_) => {
            writeln!(text, "        .gate_or_dev::<Access>(gate::from_env()?, {PEOPLE})")
        }
        SignIn::Broker(provider) => {
            let person = provider.broker.as_ref().expect("it is for a broker");
            let user = format!("broker.user(\"{}\", \"{}\")", person.path, person.pointer);
            let scopes: Vec<_> =
                person.sign_in_scopes.iter().map(|scope| format!("\"{scope}\"")).collect();
            let closure = if scopes.is_empty() {
                user
            } else {
                format!("{user}.sign_in_scopes([{}])", scopes.join(", "))
            };
            write!(
                text,
                "        .broker::<{}>(|broker| {closure})\n        .stand_ins(cfg!(debug_assertions))\n",
                provider.ty
            )
        }
    };
    for chosen in &answers.providers {
        let _ = writeln!(text, "        .provider({}::from_env()?)", chosen.provider.ty);
    }
    let _ = write!(text, "        .tools({tools}))\n}}\n\n");
    text
}
