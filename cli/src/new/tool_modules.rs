//! `src/tools`: a module for each provider, where one file has no room for all.

use std::fmt::Write as _;

use super::{answers::Answers, doc_text, pieces, program, project::File};
use crate::catalogue::Provider;

const VISIBILITY: &str = "pub(crate) ";

/// The file that declares the modules, and theirs.
pub(super) fn of(answers: &Answers) -> Vec<File> {
    let mut tools = vec![("who_am_i".to_owned(), "who_am_i".to_owned())];
    let mut files = vec![File::new("src/tools/who_am_i.rs", who_am_i(answers))];
    for chosen in &answers.providers {
        let piece = pieces::provider_tool(chosen.provider, &chosen.scopes, VISIBILITY);
        let module = name(chosen.provider);
        let text = format!("{}{}\n", head(chosen.provider), piece.item);
        files.push(File::new(format!("src/tools/{module}.rs"), text));
        tools.push((module, piece.name));
    }
    files.insert(0, File::new("src/tools/mod.rs", index(&tools)));
    files
}

/// The name of a provider's module.
pub(crate) fn name(provider: &Provider) -> String {
    provider.variable()
}

/// The beginning of a provider's module.
pub(crate) fn head(provider: &Provider) -> String {
    format!(
        "//! Tools for {}.\n\nuse toolgate::prelude::*;\nuse toolgate_providers::{};\n\n",
        doc_text::of(&provider.name),
        provider.ty
    )
}

fn who_am_i(answers: &Answers) -> String {
    let mut text = "//! The tool that says who calls.\n\n".to_owned();
    text.push_str(program::widget_imports(answers));
    text.push_str("use toolgate::prelude::*;\n\n");
    if program::has_catalogue(answers) {
        text.push_str("use crate::Access;\n\n");
    }
    text.push_str(program::who_am_i(answers, VISIBILITY).trim_end());
    text.push('\n');
    text
}

fn index(tools: &[(String, String)]) -> String {
    let mut text = "//! Tools: a module for each provider.\n\n".to_owned();
    let mut modules: Vec<_> = tools.iter().map(|(module, _)| module).collect();
    modules.sort_unstable();
    for module in modules {
        let _ = writeln!(text, "mod {module};");
    }
    let names: Vec<_> = tools.iter().map(|(module, tool)| format!("{module}::{tool}")).collect();
    let _ = write!(
        text,
        "\nuse toolgate::{{Tools, prelude::*}};\n\n/// Returns every tool.\npub(crate) fn all() -> Tools {{\n    {}\n}}\n",
        pieces::tools(&names, "    ")
    );
    text
}
