//! README and AGENTS.md of a project.

use std::fmt::Write as _;

use super::{
    answers::{Answers, SignIn, Widget},
    program,
};

const README: &str = include_str!("../../templates/README.md");
const AGENTS: &str = include_str!("../../templates/AGENTS.md");

pub(super) fn readme(answers: &Answers) -> String {
    fill(README, answers)
}

pub(super) fn agents(answers: &Answers) -> String {
    fill(AGENTS, answers)
}

fn fill(template: &str, answers: &Answers) -> String {
    template
        .replace("{{title}}", &answers.title())
        .replace("{{name}}", &answers.name)
        .replace("{{what}}", &what(answers))
        .replace("{{sign_in}}", &sign_in(answers))
        .replace("{{tools}}", &tools(answers))
        .replace("{{files}}", &files(answers))
        .replace("{{serve}}", &serve(answers))
        .replace("{{own_scopes}}", own_scopes(answers))
}

/// What it has, as the beginning of a sentence: `Tools for GitHub`.
fn what(answers: &Answers) -> String {
    let about = program::about(answers);
    let what = about.split_once(": t").map_or(&*about, |(_, what)| what);
    format!("T{what}")
}

fn sign_in(answers: &Answers) -> String {
    match answers.sign_in {
        SignIn::Dev => "People sign in with one click as `alice` or `bob`, on this machine alone. `cargo toolgate add gate` puts an authorization server in their place.".to_owned(),
        SignIn::Broker(provider) => format!(
            "People sign in with {}: the broker in this program is the authorization server of MCP hosts. Everyone with an account there may sign in, unless `.admit(..)` decides. Until `{}` is set, a stand-in on this machine takes its place.",
            provider.name, provider.variables[0]
        ),
        SignIn::Gate(preset) => format!(
            "People sign in with {}, once `{}` is set. Until then they sign in with one click as `alice` or `bob`, on this machine alone; a release build does not start.",
            preset.name, preset.arguments[0].variable
        ),
    }
}

fn tools(answers: &Answers) -> String {
    let needs = match answers.sign_in.broker() {
        None => format!("`{}` of this server", program::OWN_SCOPE),
        Some(_) => "a sign-in".to_owned(),
    };
    let mut rows = format!(
        "| tool | what it does | what it needs |\n|---|---|---|\n| `who_am_i` | Says who calls. | {needs} |\n"
    );
    for chosen in &answers.providers {
        let scopes: Vec<_> = chosen.scopes.iter().map(|scope| format!("`{scope}`")).collect();
        let tool = &chosen.provider.tool;
        let _ = writeln!(
            rows,
            "| `{}` | {} | {} at {} |",
            tool.name,
            tool.about,
            scopes.join(", "),
            chosen.provider.name
        );
    }
    rows.trim_end().to_owned()
}

fn files(answers: &Answers) -> String {
    let mut rows = "| file | what it holds |\n|---|---|\n".to_owned();
    let mut row = |file: &str, what: &str| {
        let _ = writeln!(rows, "| `{file}` | {what} |");
    };
    if program::has_modules(answers) {
        row("src/main.rs", "the server: who signs in, and the providers");
        row("src/tools/", "the tools: a module for each provider");
    } else {
        row("src/main.rs", "the tools, and the server that has them");
    }
    row("src/tests.rs", "tests through the whole server");
    if answers.sign_in.preset().is_some() {
        row("src/gate.rs", "whose tokens are accepted");
    }
    if answers.widget != Widget::None {
        row("views/", "pages that hosts show in the conversation");
    }
    if answers.widget == Widget::React {
        row(
            "views/who_am_i/",
            "the page's source: `npm install && npm run build` writes the page, `cargo toolgate types --out src/tools.d.ts` the types",
        );
    }
    row(
        "calls/",
        "saved calls with the outcome that is expected: the inspector runs them, and a test",
    );
    row(".env.example", "the variables, with the steps in each console");
    rows.trim_end().to_owned()
}

fn serve(answers: &Answers) -> String {
    let mut text = "Others reach it by https: set `TOOLGATE_PUBLIC_URL`, and put a proxy with TLS before it. `cargo run -- --help` has the flags.".to_owned();
    if matches!(answers.sign_in, SignIn::Dev) {
        return "With development people it answers this machine alone, and a container of it does not start. `cargo toolgate add gate` lets others in.".to_owned();
    }
    if answers.container {
        let _ = write!(
            text,
            "\n\n```sh\ndocker build --tag {name} .\ndocker run --env-file .env --publish 8080:8080 --volume {name}:/data --volume {name}-key:/config {name}\n```\n\n`docker run --env-file` takes what follows `=` as it is, quotes included: write the values in `.env` without quotes.",
            name = answers.name
        );
    }
    text
}

fn own_scopes(answers: &Answers) -> &'static str {
    match answers.sign_in {
        SignIn::Broker(_) => {
            "The access token of a call carries scopes at the provider behind the broker."
        }
        SignIn::Dev | SignIn::Gate(_) => {
            "A scope of `Access` is this server's own: the access token of the call has to carry it. A tool that takes `Caller<Access>` and declares one is refused with 403 without it."
        }
    }
}
