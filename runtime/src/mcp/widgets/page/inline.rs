//! Everything that a page names becomes part of it: a host shows the page where nothing lies
//! beside it.

use std::{borrow::Cow, sync::LazyLock};

use regex_lite::{Captures, Regex};

use crate::error::ConfigError;

/// Attributes: a `>` in quotes does not end the tag.
const ATTRIBUTES: &str = r#"(?:[\s/](?:[^>"']|"[^"]*"|'[^']*')*)?"#;

/// What may name a file, and what may look like it and is none: a comment.
static ELEMENT: LazyLock<Regex> = LazyLock::new(|| {
    regex(&format!(
        r"(?is)<!--.*?-->|<script(?<script>{ATTRIBUTES})>(?<code>.*?)</script\s*>|<style(?<style>{ATTRIBUTES})>(?<rules>.*?)</style\s*>|<(?<tag>link|img|image|use|source|video|audio|track|iframe|embed|object|input)(?<attributes>{ATTRIBUTES})>"
    ))
});
static ATTRIBUTE: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r#"(?s)(?<name>[^\s"'<>/=]+)(?:\s*=\s*(?:"(?<double>[^"]*)"|'(?<single>[^']*)'|(?<bare>[^\s"'<>]+)))?"#,
    )
});
static BASE: LazyLock<Regex> = LazyLock::new(|| regex(r"(?i)<base\s[^>]*href"));
static ENDS_SCRIPT: LazyLock<Regex> = LazyLock::new(|| regex(r"(?i)<(/script|!--)"));
static ENDS_STYLE: LazyLock<Regex> = LazyLock::new(|| regex(r"(?i)</(style)"));
static IMPORT: LazyLock<Regex> =
    LazyLock::new(|| regex(r#"\b(?:import|from)\s*\(?\s*["'`](\.{0,2}/[^"'`]+)["'`]"#));
static CSS_COMMENT: LazyLock<Regex> = LazyLock::new(|| regex(r"(?s)/\*.*?\*/"));
static CSS_URL: LazyLock<Regex> =
    LazyLock::new(|| regex(r#"(?i)(?:\burl\(\s*["']?|@import\s+["'])([^"')\s]+)"#));
static SCHEME: LazyLock<Regex> = LazyLock::new(|| regex(r"^(?:[A-Za-z][A-Za-z0-9+.-]*:|//|#)"));

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a regular expression")
}

/// Where a view's scripts and styles are found, by their paths.
pub(crate) type Files<'f> = dyn Fn(&str) -> Option<Cow<'f, str>> + 'f;

/// The page with what it names in it, and `library` where it wants that.
pub(crate) fn whole(
    html: &str,
    library: &str,
    is_folder: bool,
    files: &Files<'_>,
) -> Result<String, ConfigError> {
    let mut page = Page {
        library,
        is_folder,
        files,
        based: BASE.is_match(html),
        late: String::new(),
        faults: Vec::new(),
    };
    let mut text =
        ELEMENT.replace_all(html, |found: &Captures<'_>| page.element(found)).into_owned();
    ConfigError::join(page.faults)?;
    // A script may speak of the body's end too, so it is looked for only where there is one.
    let has_end = html.to_ascii_lowercase().contains("</body");
    let end = has_end.then(|| text.to_ascii_lowercase().rfind("</body")).flatten();
    text.insert_str(end.unwrap_or(text.len()), &page.late);
    Ok(text)
}

/// A script's text cannot end the element that it stands in.
pub(crate) fn in_script(script: &str) -> Cow<'_, str> {
    ENDS_SCRIPT.replace_all(script, r"<\$1")
}

struct Page<'p, 'f> {
    library: &'p str,
    is_folder: bool,
    files: &'p Files<'f>,
    /// Relative addresses start from a site.
    based: bool,
    /// Scripts that wait for the end of the page.
    late: String,
    faults: Vec<ConfigError>,
}

impl<'f> Page<'_, 'f> {
    fn element(&mut self, found: &Captures<'_>) -> String {
        let text = |name| found.name(name).map(|found: regex_lite::Match<'_>| found.as_str());
        let whole = found[0].to_owned();
        if let (Some(attributes), Some(code)) = (text("script"), text("code")) {
            return self.script(&Attributes::of(attributes), code).unwrap_or(whole);
        }
        if let Some(rules) = text("rules") {
            self.check_style(rules);
            return whole;
        }
        let (Some(tag), Some(attributes)) = (text("tag"), text("attributes")) else {
            return whole;
        };
        let attributes = Attributes::of(attributes);
        if tag.eq_ignore_ascii_case("link") {
            return self.link(&attributes).unwrap_or(whole);
        }
        self.check_picture(&tag.to_ascii_lowercase(), &attributes);
        whole
    }

    /// What stands there instead, if it does not stay.
    fn script(&mut self, attributes: &Attributes<'_>, code: &str) -> Option<String> {
        if attributes.has("toolgate") {
            if !code.trim().is_empty() {
                self.fault(
                    "it writes into `<script toolgate>`, which is the library's place".to_owned(),
                    "close it at once, `<script toolgate></script>`, and open another",
                );
            }
            return Some(self.library.to_owned());
        }
        let Some(path) = attributes.get("src") else {
            self.check_imports("", code);
            return None;
        };
        let Some(script) = self.file(path) else {
            self.lost(path);
            return None;
        };
        self.check_imports(path, &script);
        let kept = attributes.without(&["src", "crossorigin", "integrity", "defer", "async"]);
        let script = format!("<script{kept}>{}</script>", in_script(&script));
        let is_module = attributes.get("type").is_some_and(|ty| ty.eq_ignore_ascii_case("module"));
        // `defer` says nothing of a script that is in the page, so its place does.
        if !is_module && (attributes.has("defer") || attributes.has("async")) {
            self.late += &script;
            return Some(String::new());
        }
        Some(script)
    }

    fn link(&mut self, attributes: &Attributes<'_>) -> Option<String> {
        let path = attributes.get("href")?;
        let of = attributes.get("rel").unwrap_or_default().to_ascii_lowercase();
        if of.split_ascii_whitespace().any(|of| of == "stylesheet") {
            let Some(style) = self.file(path) else {
                self.lost(path);
                return None;
            };
            self.check_style(&style);
            let kept = attributes.without(&["href", "rel", "crossorigin", "integrity", "type"]);
            return Some(format!(
                "<style{kept}>{}</style>",
                ENDS_STYLE.replace_all(&style, r"<\/$1")
            ));
        }
        // Icons, and what loads a file early that is in the page already.
        (!self.stays(path)).then(String::new)
    }

    fn file(&self, path: &str) -> Option<Cow<'f, str>> {
        if SCHEME.is_match(path) {
            return None;
        }
        (self.files)(&resolve("", path))
    }

    /// Can it be loaded from where it is?
    fn stays(&self, path: &str) -> bool {
        path.is_empty() || self.based || SCHEME.is_match(path)
    }

    fn lost(&mut self, path: &str) {
        if self.stays(path) {
            return;
        }
        if self.is_folder {
            self.fault(
                format!("its `index.html` names `{path}`, which is not among the folder's scripts and styles"),
                "build the front end with relative paths, and keep its files in the folder",
            );
        } else {
            self.fault(
                format!("it names `{path}`, and a host shows the page alone"),
                "write it into the page, or let `view` be a folder with an `index.html`",
            );
        }
    }

    fn check_picture(&mut self, tag: &str, attributes: &Attributes<'_>) {
        let names: &[&str] = match tag {
            "use" | "image" => &["href", "xlink:href"],
            "object" => &["data"],
            _ => &["src", "poster"],
        };
        let mut paths: Vec<&str> = names.iter().filter_map(|name| attributes.get(name)).collect();
        // A data URL has commas of its own.
        let set = attributes.get("srcset").filter(|set| !set.contains("data:"));
        let candidates = set.into_iter().flat_map(|set| set.split(','));
        paths.extend(candidates.filter_map(|path| path.split_ascii_whitespace().next()));
        for path in paths {
            self.check_asset(path);
        }
    }

    fn check_style(&mut self, style: &str) {
        let style = CSS_COMMENT.replace_all(style, "");
        for found in CSS_URL.captures_iter(&style) {
            self.check_asset(found.get(1).map_or("", |path| path.as_str()));
        }
    }

    fn check_asset(&mut self, path: &str) {
        if !self.stays(path) {
            self.fault(
                format!("it names `{path}`, and a host shows the page alone"),
                "write it as a `data:` URL (Vite: `build.assetsInlineLimit`), or with `https://` and its origin in `csp(resource = [..])`",
            );
        }
    }

    /// A script that is part of the page finds none beside it.
    fn check_imports(&mut self, path: &str, script: &str) {
        for found in IMPORT.captures_iter(script) {
            let named = found[1].to_owned();
            if (self.files)(&resolve(path, &named)).is_some() {
                let of = if path.is_empty() { "its script" } else { path };
                self.fault(
                    format!("`{of}` imports `{named}`, and a host shows the page alone"),
                    "build one script; with Vite: `build.rolldownOptions.output.codeSplitting: false`",
                );
            }
        }
    }

    fn fault(&mut self, message: String, help: &str) {
        self.faults.push(ConfigError::new(message).help(help));
    }
}

/// The path of what `from` names, in the folder.
fn resolve(from: &str, path: &str) -> String {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let mut parts: Vec<&str> = match path.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => from.trim_start_matches("./").trim_start_matches('/').split('/').collect(),
    };
    parts.pop();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The attributes of a tag: names, values, and how they were written.
struct Attributes<'a>(Vec<(String, &'a str, &'a str)>);

impl<'a> Attributes<'a> {
    fn of(text: &'a str) -> Self {
        let all = ATTRIBUTE.captures_iter(text).map(|found| {
            let value = ["double", "single", "bare"].iter().find_map(|form| found.name(form));
            let written = found.get(0).map_or("", |found| found.as_str());
            (found["name"].to_ascii_lowercase(), value.map_or("", |value| value.as_str()), written)
        });
        Self(all.collect())
    }

    fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(own, ..)| own == name).map(|(_, value, _)| *value)
    }

    /// As they were written, each after a space.
    fn without(&self, names: &[&str]) -> String {
        let kept = self.0.iter().filter(|(own, ..)| !names.contains(&own.as_str()));
        kept.flat_map(|(.., written)| [" ", written]).collect()
    }
}
