//! HTML scanner: the start tags of a document that may load a file.

/// The start tag of a script, style, link or base.
pub(super) struct Element<'a> {
    /// The position of its `<` in the document.
    pub(super) start: usize,
    pub(super) name: &'a str,
    /// The text between the name and `>`.
    attributes: &'a str,
}

/// The start tags of `html`, outside of comments and of the text of scripts and styles.
pub(super) fn elements(html: &str) -> Vec<Element<'_>> {
    let mut elements = Vec::new();
    let mut at = 0;
    while let Some(found) = html[at..].find('<') {
        let start = at + found;
        let rest = &html[start..];
        if rest.starts_with("<!--") {
            let Some(end) = rest.find("-->") else { break };
            at = start + end;
            continue;
        }
        at = start + 1;
        let name =
            ["script", "style", "link", "base"].into_iter().find(|name| starts_tag(rest, name));
        let Some(name) = name else { continue };
        let name = &rest[1..=name.len()];
        let tag = &rest[1 + name.len()..];
        let Some(end) = end_of_tag(tag) else { break };
        elements.push(Element { start, name, attributes: &tag[..end] });
        at += name.len() + end;
        if ["script", "style"].iter().any(|raw| name.eq_ignore_ascii_case(raw)) {
            let Some(close) = find_close(&html[at..], name) else { break };
            at += close;
        }
    }
    elements
}

fn starts_tag(rest: &str, name: &str) -> bool {
    let Some(tag) = rest[1..].get(..name.len()) else { return false };
    let next = rest[1 + name.len()..].bytes().next();
    tag.eq_ignore_ascii_case(name)
        && next.is_some_and(|byte| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/'))
}

/// The position of the `>` that ends a tag; one in quotes does not.
fn end_of_tag(tag: &str) -> Option<usize> {
    let mut quote = None;
    tag.bytes().position(|byte| {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
        quote.is_none() && byte == b'>'
    })
}

fn find_close(text: &str, name: &str) -> Option<usize> {
    let is_close = |(at, _): &(usize, &str)| {
        let end = text[at + 2..].get(..name.len());
        end.is_some_and(|end| end.eq_ignore_ascii_case(name))
    };
    text.match_indices("</").find(is_close).map(|(at, _)| at)
}

impl<'a> Element<'a> {
    /// The value of an attribute, empty if it has none.
    pub(super) fn attribute(&self, name: &str) -> Option<&'a str> {
        let is_separator = |c: char| c.is_ascii_whitespace() || c == '/';
        let mut rest = self.attributes.trim_start_matches(is_separator);
        while !rest.is_empty() {
            let end = rest.find(|c: char| is_separator(c) || c == '=').unwrap_or(rest.len());
            let (found, after) = rest.split_at(end);
            let after = after.trim_start();
            let (value, after) = match after.strip_prefix('=') {
                Some(value) => split_value(value.trim_start()),
                None => ("", after),
            };
            if found.eq_ignore_ascii_case(name) {
                return Some(value);
            }
            rest = after.trim_start_matches(is_separator);
        }
        None
    }

    /// The relative address of the script or the style sheet that it loads.
    pub(super) fn linked_file(&self) -> Option<&'a str> {
        let is_style_sheet = || {
            let rel = self.attribute("rel").unwrap_or_default();
            rel.split_ascii_whitespace().any(|rel| rel.eq_ignore_ascii_case("stylesheet"))
        };
        let address = match self.name.to_ascii_lowercase().as_str() {
            "script" => self.attribute("src"),
            "link" if is_style_sheet() => self.attribute("href"),
            _ => None,
        };
        address.filter(|address| !address.is_empty() && !is_absolute(address))
    }
}

/// The value of an attribute at the start of `text`, and the text after it.
fn split_value(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(quoted) = text.strip_prefix(quote) {
            return quoted.split_once(quote).unwrap_or((quoted, ""));
        }
    }
    text.split_at(text.find(|c: char| c.is_ascii_whitespace()).unwrap_or(text.len()))
}

/// Whether an address has a scheme or a host of its own.
fn is_absolute(address: &str) -> bool {
    let scheme = address.split(['/', '?', '#']).next().unwrap_or_default();
    address.starts_with("//") || scheme.contains(':')
}
