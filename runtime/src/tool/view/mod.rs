//! The view of a widget: a page that an MCP host shows beside the conversation.

/// Where a widget's page comes from, and what it may reach; `#[widget]` makes it.
///
/// What a page is not allowed by name it cannot do: without any of the lists it reaches no site at
/// all, and shows what stands in it alone.
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

/// A page as it was compiled in, and where it can be read anew.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    Inline(&'static str),
    File {
        path: &'static str,
        html: &'static str,
    },
    /// Paths in the folder, and texts; one is `index.html`.
    Folder {
        path: &'static str,
        files: &'static [(&'static str, &'static str)],
    },
}

impl View {
    const fn of(source: Source) -> Self {
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

    /// A page that is written where it is used.
    pub const fn inline(html: &'static str) -> Self {
        Self::of(Source::Inline(html))
    }

    /// The page in the file at `path`, which holds `html`.
    pub const fn file(path: &'static str, html: &'static str) -> Self {
        Self::of(Source::File { path, html })
    }

    /// The built front end in the folder at `path`: its `index.html`, and the scripts and styles
    /// that it names.
    pub const fn folder(
        path: &'static str,
        files: &'static [(&'static str, &'static str)],
    ) -> Self {
        Self::of(Source::Folder { path, files })
    }

    /// Sites to which the page may send requests (`connect-src`).
    #[must_use]
    pub const fn connect(self, origins: &'static [&'static str]) -> Self {
        Self { connect: origins, ..self }
    }

    /// Sites from which it may load scripts, styles, pictures and fonts.
    #[must_use]
    pub const fn resource(self, origins: &'static [&'static str]) -> Self {
        Self { resource: origins, ..self }
    }

    /// Sites that it may frame (`frame-src`).
    #[must_use]
    pub const fn frame(self, origins: &'static [&'static str]) -> Self {
        Self { frame: origins, ..self }
    }

    /// Sites that its relative URLs may start from (`base-uri`).
    #[must_use]
    pub const fn base_uri(self, origins: &'static [&'static str]) -> Self {
        Self { base_uri: origins, ..self }
    }

    /// What it wants of the device: `camera`, `microphone`, `geolocation`, `clipboard_write`.
    #[must_use]
    pub const fn permissions(self, names: &'static [&'static str]) -> Self {
        Self { permissions: names, ..self }
    }

    /// Should the host draw a border around it?
    #[must_use]
    pub const fn border(self, border: bool) -> Self {
        Self { border: Some(border), ..self }
    }

    /// Scopes that tools of the view may ask for later, separated by spaces.
    #[must_use]
    pub const fn optional_scopes(self, scopes: &'static str) -> Self {
        Self { optional_scopes: scopes, ..self }
    }

    /// What hosts say while the tool runs; at most 64 characters.
    #[must_use]
    pub const fn invoking(self, text: &'static str) -> Self {
        Self { invoking: Some(text), ..self }
    }

    /// What hosts say when it has run; at most 64 characters.
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
