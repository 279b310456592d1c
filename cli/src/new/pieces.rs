//! Pieces of a project that are added to it later as well: tools, tests, saved calls.

use super::{doc_text, project::File};
use crate::catalogue::Provider;

/// The widest chain of calls that rustfmt leaves in one line.
const MAX_CHAIN_WIDTH: usize = 60;

/// The widest array that rustfmt leaves in one line, without its brackets.
const MAX_ARRAY_WIDTH: usize = 60;

/// The widest arguments of a call that rustfmt leaves in one line.
const MAX_ARGUMENTS_WIDTH: usize = 60;

/// The widest line.
const MAX_LINE_WIDTH: usize = 100;

/// A function of the project.
pub(crate) struct Piece {
    pub(crate) name: String,
    /// Its text, without a line break at its end.
    pub(crate) item: String,
}

/// The attribute of a tool with these scopes.
pub(crate) fn tool_attribute(macro_name: &str, scopes: &[String], more: &str) -> String {
    let scopes = scopes.join(" ");
    let attribute = format!("#[{macro_name}(scopes = \"{scopes}\"{more})]");
    if attribute.len() <= MAX_LINE_WIDTH {
        return attribute;
    }
    let list: Vec<_> = scopes.split(' ').map(|scope| format!("    \"{scope}\",\n")).collect();
    format!("#[{macro_name}(scopes = [\n{}]{more})]", list.concat())
}

/// The first tool of a provider: one request to its API. The visibility is empty or ends in a space.
pub(crate) fn provider_tool(provider: &Provider, scopes: &[String], visibility: &str) -> Piece {
    let tool = &provider.tool;
    let variable = provider.variable();
    let mut body = String::new();
    let mut calls = match (&*tool.method, &tool.body) {
        ("GET", _) => vec![format!("get(\"{}\")", tool.path)],
        _ => vec![format!("post_read_only(\"{}\")", tool.path)],
    };
    if let Some(json) = &tool.body {
        body = format!("    let body = serde_json::json!({json});\n");
        calls.push("json(&body)".to_owned());
    }
    calls.extend(["send()", "await?", "text()", "await"].map(str::to_owned));
    let chain = format!("{variable}.{}", calls.join("."));
    if chain.len() <= MAX_CHAIN_WIDTH {
        body = format!("{body}    {chain}\n");
    } else {
        body = format!("{body}    {variable}\n        .{}\n", calls.join("\n        ."));
    }
    let parameter = format!("{variable}: AuthedClient<{}>", provider.ty);
    let begin = format!("{visibility}async fn {}(", tool.name);
    let end = ") -> Result<String> {";
    let signature = if begin.len() + parameter.len() + end.len() <= MAX_LINE_WIDTH {
        format!("{begin}{parameter}{end}")
    } else {
        format!("{begin}\n    {parameter},\n{end}")
    };
    let item = format!(
        "/// {about}\n{attribute}\n{signature}\n{body}}}",
        about = doc_text::of(&tool.about),
        attribute = tool_attribute("tool", scopes, ""),
    );
    Piece { name: tool.name.clone(), item }
}

/// `use krate::{..};` with a line break.
pub(crate) fn import(krate: &str, names: &[&str]) -> String {
    let line = match names {
        [name] => format!("use {krate}::{name};\n"),
        names => format!("use {krate}::{{{}}};\n", names.join(", ")),
    };
    if line.trim_end().len() <= MAX_LINE_WIDTH {
        return line;
    }
    let (mut lines, mut last) = (String::new(), String::from("   "));
    for &name in names {
        if last.len() + name.len() + " ,".len() > MAX_LINE_WIDTH {
            lines.push_str(&last);
            lines.push('\n');
            "   ".clone_into(&mut last);
        }
        last.extend([" ", name, ","]);
    }
    format!("use {krate}::{{\n{lines}{last}\n}};\n")
}

/// `tools![..]` as an expression in a line with this indentation.
pub(crate) fn tools(names: &[String], indent: &str) -> String {
    let line = names.join(", ");
    if line.len() <= MAX_ARRAY_WIDTH {
        format!("tools![{line}]")
    } else {
        tool_lines(names, indent)
    }
}

/// `tools![..]` as the argument of a call in a line with this indentation.
pub(crate) fn tools_argument(names: &[String], indent: &str) -> String {
    let line = format!("tools![{}]", names.join(", "));
    if line.len() <= MAX_ARGUMENTS_WIDTH { line } else { tool_lines(names, indent) }
}

fn tool_lines(names: &[String], indent: &str) -> String {
    let lines: Vec<_> = names.iter().map(|name| format!("{indent}    {name},\n")).collect();
    format!("tools![\n{}{indent}]", lines.concat())
}

/// The test of a provider's first tool, in a project that `new` has written.
pub(crate) fn provider_test(provider: &Provider) -> Piece {
    let tool = &provider.tool;
    let name = format!("{}_answers_after_consent", tool.name);
    let item = format!(
        "#[tokio::test]\nasync fn {name}() -> Result<()> {{\n    answers_after_consent(\"{}\", \"{}\").await\n}}",
        tool.name, tool.answer
    );
    Piece { name, item }
}

/// A saved call without arguments, as the inspector writes it.
pub(crate) fn call_file(tool: &str) -> File {
    let text = format!(
        "{{\n  \"tool\": \"{tool}\",\n  \"person\": \"alice\",\n  \"arguments\": {{}},\n  \"expect\": {{\n    \"outcome\": \"result\"\n  }}\n}}\n"
    );
    File::new(format!("calls/{tool}.json"), text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;

    #[test]
    fn every_tool_is_a_function_that_parses() {
        for provider in catalogue::providers() {
            for visibility in ["", "pub(crate) "] {
                let piece = provider_tool(provider, &provider.tool.scopes, visibility);
                let item: syn::ItemFn = syn::parse_str(&piece.item)
                    .unwrap_or_else(|error| panic!("{}: {error}", piece.item));
                assert_eq!(item.sig.ident, piece.name);
                assert!(
                    piece.item.lines().all(|line| line.len() <= MAX_LINE_WIDTH),
                    "{}",
                    piece.item
                );
            }
            syn::parse_str::<syn::ItemFn>(&provider_test(provider).item).unwrap();
        }
    }

    #[test]
    fn many_scopes_are_a_list() {
        let scopes: Vec<_> = (0..9).map(|at| format!("https://scopes.example/{at}")).collect();
        let attribute = tool_attribute("tool", &scopes, "");
        assert!(attribute.starts_with("#[tool(scopes = [\n    \"https://scopes.example/0\",\n"));
        assert!(attribute.ends_with(",\n])]"), "{attribute}");
    }
}
