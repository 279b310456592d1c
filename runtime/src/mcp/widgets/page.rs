//! A widget's page, as it is sent: one document, with what it names put into it.

mod inline;

use std::{borrow::Cow, fs, sync::LazyLock};

use regex_lite::Regex;

use crate::{error::ConfigError, tool::view::Source};

/// The view's side of the protocol; `view/` has its source.
const LIBRARY: &str = include_str!("../../../view/toolgate-view.js");

/// What shows a page anew, while it is developed.
const LIVE: &str = include_str!("../../../view/live.js");

/// What a folder's page is made of.
const FRONT_END: [&str; 4] = [".html", ".js", ".mjs", ".css"];

static CALL: LazyLock<Regex> = LazyLock::new(|| {
    let call = "callTool\\(\\s*[\"'`]([A-Za-z0-9_.-]{1,64})[\"'`]";
    Regex::new(call).expect("a regular expression")
});

/// The page of `source`, for the tool of that name; from the disk, if it `lives` there and can be
/// read.
pub(crate) fn assemble(tool: &str, source: Source, lives: bool) -> Result<String, ConfigError> {
    // Not every host tells a view whose it is.
    let tool =
        tool.replace(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-' | '.'), "");
    let library = format!("<script data-tool=\"{tool}\">{}</script>", inline::in_script(LIBRARY));
    let read = |path: &str| if lives { fs::read_to_string(path).ok() } else { None };
    match source {
        Source::Inline(html) => inline::whole(html, &library, false, &|_| None),
        Source::File { path, html } => {
            let html = read(path).map_or(Cow::Borrowed(html), Cow::Owned);
            inline::whole(&html, &library, false, &|_| None)
        }
        Source::Folder { path, files } => {
            let file = |name: &str| {
                // A front end that is built anew has files that were not there at compile time.
                let fits = FRONT_END.iter().any(|end| name.ends_with(end));
                if let Some(text) = fits.then(|| read(&format!("{path}/{name}"))).flatten() {
                    return Some(Cow::Owned(text));
                }
                files.iter().find(|(file, _)| *file == name).map(|(_, text)| Cow::Borrowed(*text))
            };
            let index = file("index.html").unwrap_or_default();
            inline::whole(&index, &library, true, &file)
        }
    }
}

/// The page, which asks for itself and is shown anew when it no longer has this version.
pub(crate) fn live(page: String, uri: &str, version: &str) -> String {
    page + &format!("<script data-live=\"{uri}\" data-page=\"{version}\">{LIVE}</script>")
}

/// The names of the tools that the page calls, as far as they are literals.
pub(crate) fn called(html: &str) -> Vec<&str> {
    let mut names: Vec<_> =
        CALL.captures_iter(html).filter_map(|call| Some(call.get(1)?.as_str())).collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests;
