//! A widget's page, as it is sent: one document, with what it names put into it.

use std::{borrow::Cow, fs, sync::LazyLock};

use regex::{Captures, Regex};

use crate::{error::ConfigError, view::Source};

/// The view's side of the protocol; `view/` has its source.
const LIBRARY: &str = include_str!("../../view/toolgate-view.js");

/// Where the page wants it.
const TAG: &str = "<script toolgate></script>";

static SCRIPT: LazyLock<Regex> = LazyLock::new(|| {
    let script = r#"<script\b([^>]*?)\ssrc="([^"]*)"([^>]*)>\s*</script>"#;
    Regex::new(script).expect("a regular expression")
});
static LINK: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"<link\b[^>]*>").expect("a regular expression"));
static HREF: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"\shref="([^"]*)""#).expect("a regular expression"));
static CALL: LazyLock<Regex> = LazyLock::new(|| {
    let call = "callTool\\(\\s*[\"'`]([A-Za-z0-9_.-]{1,64})[\"'`]";
    Regex::new(call).expect("a regular expression")
});

/// The page of `source`, for the tool of that name; from the disk, if it `lives` there and can be
/// read.
pub(super) fn assemble(tool: &str, source: Source, lives: bool) -> Result<String, ConfigError> {
    let read = |path: &str, compiled: &'static str| match fs::read_to_string(path) {
        Ok(text) if lives => Cow::Owned(text),
        _ => Cow::Borrowed(compiled),
    };
    let html = match source {
        Source::Inline(html) => Cow::Borrowed(html),
        Source::File { path, html } => read(path, html),
        Source::Folder { path, files } => {
            let file = |name: &str| {
                let name = name.trim_start_matches("./").trim_start_matches('/');
                let (name, text) = files.iter().find(|(file, _)| *file == name)?;
                Some(read(&format!("{path}/{name}"), text))
            };
            let index = file("index.html").unwrap_or_default();
            Cow::Owned(inline(&index, file)?)
        }
    };
    // Not every host tells a view whose it is.
    let tool =
        tool.replace(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-' | '.'), "");
    let library = format!("<script data-tool=\"{tool}\">{}</script>", in_script(LIBRARY));
    Ok(html.replace(TAG, &library))
}

/// The names of the tools that the page calls, as far as they are literals.
pub(super) fn called(html: &str) -> Vec<&str> {
    let mut names: Vec<_> =
        CALL.captures_iter(html).filter_map(|call| Some(call.get(1)?.as_str())).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Puts scripts and styles where the page names them.
fn inline<'a>(
    html: &str,
    file: impl Fn(&str) -> Option<Cow<'a, str>>,
) -> Result<String, ConfigError> {
    let mut missing = None;
    let with_scripts = SCRIPT.replace_all(html, |found: &Captures<'_>| match file(&found[2]) {
        Some(script) => {
            let attributes = format!("{}{}", &found[1], &found[3]).replace(" crossorigin", "");
            format!("<script{attributes}>{}</script>", in_script(&script))
        }
        None if found[2].contains("://") => found[0].to_owned(),
        None => {
            missing.get_or_insert_with(|| found[2].to_owned());
            String::new()
        }
    });
    let whole = LINK.replace_all(&with_scripts, |found: &Captures<'_>| {
        let link = &found[0];
        let Some(href) = HREF.captures(link).map(|href| href[1].to_owned()) else {
            return link.to_owned();
        };
        if link.contains("modulepreload") {
            return String::new();
        }
        if !link.contains("stylesheet") || href.contains("://") {
            return link.to_owned();
        }
        match file(&href) {
            Some(style) => format!("<style>{}</style>", style.replace("</style", "<\\/style")),
            None => {
                missing.get_or_insert(href);
                String::new()
            }
        }
    });
    match missing {
        None => Ok(whole.into_owned()),
        Some(name) => Err(ConfigError::new(format!(
            "its `index.html` names `{name}`, which is not among the folder's scripts and styles"
        ))
        .help("build the front end with relative paths, and keep its files in the folder")),
    }
}

/// A script's text cannot end the element that it stands in.
fn in_script(script: &str) -> String {
    script.replace("</script", "<\\/script").replace("<!--", "<\\!--")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_built_front_end_becomes_one_page() {
        const FILES: &[(&str, &str)] = &[
            (
                "index.html",
                r#"<head><link rel="stylesheet" crossorigin href="/assets/a.css"><link rel="modulepreload" href="/assets/v.js">
                <script type="module" crossorigin src="/assets/a.js"></script></head><p>Hello</p>"#,
            ),
            ("assets/a.js", "const end = '</script>';"),
            ("assets/a.css", "p { color: red }"),
        ];
        let page = assemble("show", Source::Folder { path: "", files: FILES }, false).unwrap();
        assert!(page.contains("<style>p { color: red }</style>"), "{page}");
        let script = r#"<script type="module">const end = '<\/script>';</script>"#;
        assert!(page.contains(script), "{page}");
        assert!(!page.contains("assets/"), "{page}");

        let lost: &'static [(&str, &str)] =
            &[("index.html", r#"<script src="./gone.js"></script>"#)];
        let error = assemble("show", Source::Folder { path: "", files: lost }, false).unwrap_err();
        assert!(error.to_string().contains("`./gone.js`"), "{error}");
    }

    #[test]
    fn the_library_is_what_view_builds() {
        let built = concat!(env!("CARGO_MANIFEST_DIR"), "/../view/dist/toolgate-view.js");
        let built = fs::read_to_string(built).unwrap();
        assert!(built == LIBRARY, "copy view/dist/toolgate-view.js to runtime/view");
    }

    #[test]
    fn the_library_goes_where_its_tag_is() {
        let page =
            assemble("show", Source::Inline("<h1></h1><script toolgate></script>"), false).unwrap();
        assert!(page.starts_with(r#"<h1></h1><script data-tool="show">"#), "{page}");
        assert_eq!(page.matches("</script>").count(), 1);
    }

    #[test]
    fn calls_are_seen_where_they_are_literals() {
        let page = r#"view.callTool("close", {}); a.callTool( 'list.all' ,x); callTool(name)"#;
        assert_eq!(called(page), ["close", "list.all"]);
    }
}
