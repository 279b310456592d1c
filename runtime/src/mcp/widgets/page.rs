//! Widget pages: one HTML document a view, with the view library in place of its tag.

use std::{borrow::Cow, fs};

use super::document;
use crate::{error::ConfigError, tool::view::Source};

/// The view's half of the MCP Apps protocol, built from `view/`. It contains neither `</script` nor
/// `<!--`, so it can be put into a script element as it is.
const LIBRARY: &str = include_str!("../../../view/toolgate-view.js");

/// The script that reloads a page when its file changes.
const LIVE_RELOAD: &str = include_str!("../../../view/live.js");

/// The tag that the library replaces.
const LIBRARY_TAG: &str = "<script toolgate></script>";

/// The page of the tool's view. With `live`, a file is read again if it is still on this machine.
pub(super) fn assemble(tool: &str, source: Source, live: bool) -> Result<String, ConfigError> {
    let html = match source {
        Source::Inline(html) => Cow::Borrowed(html),
        Source::File { path, html } => {
            let read = if live { fs::read_to_string(path).ok() } else { None };
            read.map_or(Cow::Borrowed(html), Cow::Owned)
        }
    };
    // Some hosts do not tell a view the name of its tool.
    let tool =
        tool.replace(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-' | '.'), "");
    check(&html)?;
    Ok(html.replace(LIBRARY_TAG, &format!("<script data-tool=\"{tool}\">{LIBRARY}</script>")))
}

/// Adds the script that polls the resource `uri`, and reloads the page when its version changes.
pub(super) fn with_live_reload(page: String, uri: &str, version: &str) -> String {
    page + &format!("<script data-live=\"{uri}\" data-page=\"{version}\">{LIVE_RELOAD}</script>")
}

/// The names of the tools that the page calls, where they are literals.
pub(super) fn called_tools(html: &str) -> Vec<&str> {
    let mut names: Vec<_> = html.split("callTool(").skip(1).filter_map(leading_name).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The quoted tool name at the start of `arguments`.
fn leading_name(arguments: &str) -> Option<&str> {
    let rest = arguments.trim_start();
    let quoted = rest.strip_prefix(['"', '\'', '`'])?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let (name, end) = quoted.split_at(quoted.find(|c| !is_name(c))?);
    (end.starts_with(&rest[..1]) && (1..=64).contains(&name.len())).then_some(name)
}

/// Fails if the page would be incomplete in a host, which loads the page alone.
fn check(html: &str) -> Result<(), ConfigError> {
    let mut faults = Vec::new();
    let elements = document::elements(html);
    // With a base, relative addresses are not relative to the page.
    let has_base = elements.iter().any(|element| {
        element.name.eq_ignore_ascii_case("base") && element.attribute("href").is_some()
    });
    for element in elements {
        let is_library =
            element.name.eq_ignore_ascii_case("script") && element.attribute("toolgate").is_some();
        if is_library && !html[element.start..].starts_with(LIBRARY_TAG) {
            let message = format!("the tag of the library is `{LIBRARY_TAG}`, exactly");
            faults.push(
                ConfigError::new(message).help("write it so, and put a script of yours after it"),
            );
        }
        if let Some(path) = element.linked_file().filter(|_| !has_base) {
            let message = format!("it names `{path}`, and a host shows the page alone");
            faults.push(ConfigError::new(message).help(
                "build one HTML file, for example with vite-plugin-singlefile, or name an `https://` address and its origin in `csp(resource = [..])`",
            ));
        }
    }
    ConfigError::join(faults)
}

#[cfg(test)]
mod tests;
