//! Views of widgets: pages that MCP hosts show in the conversation (MCP Apps, SEP-1865).

mod csp;
mod props;

pub(crate) use self::csp::Csp;
pub use self::props::{Fallible, Props, Shown, ShownResult};

/// The page of a widget, and the origins that it may reach; `#[widget]` makes it.
///
/// Without any of the lists of origins, the page reaches no site at all.
#[derive(Clone, Copy, Debug)]
pub struct View {
    pub(crate) source: Source,
    pub(crate) csp: Csp,
    pub(crate) permissions: &'static [&'static str],
    pub(crate) border: Option<bool>,
    pub(crate) domain: Option<&'static str>,
    pub(crate) optional_scopes: &'static str,
    pub(crate) invoking: Option<&'static str>,
    pub(crate) invoked: Option<&'static str>,
}

/// The HTML that was compiled in, and the file from which it can be read again.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    Inline(&'static str),
    File { path: &'static str, html: &'static str },
}

impl View {
    const fn new(source: Source) -> Self {
        Self {
            source,
            csp: Csp::NONE,
            permissions: &[],
            border: None,
            domain: None,
            optional_scopes: "",
            invoking: None,
            invoked: None,
        }
    }

    /// A page from a literal.
    pub const fn inline(html: &'static str) -> Self {
        Self::new(Source::Inline(html))
    }

    /// The page in the file at `path`, whose content is `html`.
    pub const fn file(path: &'static str, html: &'static str) -> Self {
        Self::new(Source::File { path, html })
    }

    /// Sets the origins to which the page may send requests (`connect-src`).
    #[must_use]
    pub const fn connect(self, origins: &'static [&'static str]) -> Self {
        Self { csp: Csp { connect: origins, ..self.csp }, ..self }
    }

    /// Sets the origins from which it may load scripts, styles, images and fonts.
    #[must_use]
    pub const fn resource(self, origins: &'static [&'static str]) -> Self {
        Self { csp: Csp { resource: origins, ..self.csp }, ..self }
    }

    /// Sets the origins that it may frame (`frame-src`).
    #[must_use]
    pub const fn frame(self, origins: &'static [&'static str]) -> Self {
        Self { csp: Csp { frame: origins, ..self.csp }, ..self }
    }

    /// Sets the origins of its relative URLs (`base-uri`).
    #[must_use]
    pub const fn base_uri(self, origins: &'static [&'static str]) -> Self {
        Self { csp: Csp { base_uri: origins, ..self.csp }, ..self }
    }

    /// Sets the device permissions that it asks for: `camera`, `microphone`, `geolocation`, `clipboard_write`.
    #[must_use]
    pub const fn permissions(self, names: &'static [&'static str]) -> Self {
        Self { permissions: names, ..self }
    }

    /// Sets whether the host draws a border around it.
    #[must_use]
    pub const fn border(self, border: bool) -> Self {
        Self { border: Some(border), ..self }
    }

    /// Sets the domain from which a host serves the page, in the form that the host wants.
    #[must_use]
    pub const fn domain(self, domain: &'static str) -> Self {
        Self { domain: Some(domain), ..self }
    }

    /// Sets the scopes that calls of the view may ask for later, separated by spaces.
    #[must_use]
    pub const fn optional_scopes(self, scopes: &'static str) -> Self {
        Self { optional_scopes: scopes, ..self }
    }

    /// Sets the text that hosts show while the tool runs; at most 64 characters.
    #[must_use]
    pub const fn invoking(self, text: &'static str) -> Self {
        Self { invoking: Some(text), ..self }
    }

    /// Sets the text that hosts show when it has run; at most 64 characters.
    #[must_use]
    pub const fn invoked(self, text: &'static str) -> Self {
        Self { invoked: Some(text), ..self }
    }
}
