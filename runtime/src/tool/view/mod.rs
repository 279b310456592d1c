//! Widget views: an HTML page, and what it may access.

/// The page of a widget and what it may access; `#[widget]` makes it.
///
/// A page has no access that is not listed: without any list it loads nothing but itself.
#[derive(Clone, Copy, Debug)]
pub struct View {
    pub(crate) source: Source,
    pub(crate) connect: &'static [&'static str],
    pub(crate) resource: &'static [&'static str],
    pub(crate) frame: &'static [&'static str],
    pub(crate) base_uri: &'static [&'static str],
    pub(crate) permissions: &'static [&'static str],
    pub(crate) border: Option<bool>,
    pub(crate) optional_scopes: &'static str,
    pub(crate) invoking: Option<&'static str>,
    pub(crate) invoked: Option<&'static str>,
}

/// A page as it was at compile time, and the path at which a debug build reads it again.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    Inline(&'static str),
    File { path: &'static str, html: &'static str },
}

impl View {
    const fn new(source: Source) -> Self {
        Self {
            source,
            connect: &[],
            resource: &[],
            frame: &[],
            base_uri: &[],
            permissions: &[],
            border: None,
            optional_scopes: "",
            invoking: None,
            invoked: None,
        }
    }

    /// Creates a view of HTML in the source code.
    pub const fn inline(html: &'static str) -> Self {
        Self::new(Source::Inline(html))
    }

    /// Creates a view of the file at `path`, whose content is `html`.
    pub const fn file(path: &'static str, html: &'static str) -> Self {
        Self::new(Source::File { path, html })
    }

    /// Sets the origins to which the page may send requests (`connect-src`).
    #[must_use]
    pub const fn connect(self, origins: &'static [&'static str]) -> Self {
        Self { connect: origins, ..self }
    }

    /// Sets the origins from which it may load scripts, styles, images and fonts.
    #[must_use]
    pub const fn resource(self, origins: &'static [&'static str]) -> Self {
        Self { resource: origins, ..self }
    }

    /// Sets the origins that it may frame (`frame-src`).
    #[must_use]
    pub const fn frame(self, origins: &'static [&'static str]) -> Self {
        Self { frame: origins, ..self }
    }

    /// Sets the origins that its `<base>` may name (`base-uri`).
    #[must_use]
    pub const fn base_uri(self, origins: &'static [&'static str]) -> Self {
        Self { base_uri: origins, ..self }
    }

    /// Sets the browser permissions that it requests: `camera`, `microphone`, `geolocation`,
    /// `clipboard_write`.
    #[must_use]
    pub const fn permissions(self, names: &'static [&'static str]) -> Self {
        Self { permissions: names, ..self }
    }

    /// Sets whether the host should draw a border around it.
    #[must_use]
    pub const fn border(self, border: bool) -> Self {
        Self { border: Some(border), ..self }
    }

    /// Sets the scopes, separated by spaces, that tools which the page calls may ask for later.
    #[must_use]
    pub const fn optional_scopes(self, scopes: &'static str) -> Self {
        Self { optional_scopes: scopes, ..self }
    }

    /// Sets what hosts show while the tool runs; at most 64 characters.
    #[must_use]
    pub const fn invoking(self, text: &'static str) -> Self {
        Self { invoking: Some(text), ..self }
    }

    /// Sets what hosts show when the tool has run; at most 64 characters.
    #[must_use]
    pub const fn invoked(self, text: &'static str) -> Self {
        Self { invoked: Some(text), ..self }
    }
}

/// A `Result` whose value is the props of a widget.
pub trait Fallible {
    /// The result of the call.
    type Outcome;
}

impl<T, E> Fallible for Result<T, E> {
    type Outcome = Result<crate::Json<T>, E>;
}
