//! Content security policy of a view: the origins that its page may reach.

/// The origins that a page may reach, each `https://host`. Empty lists allow none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Csp {
    /// Targets of its requests (`connect-src`).
    pub(crate) connect: &'static [&'static str],
    /// Sources of its scripts, styles, images and fonts.
    pub(crate) resource: &'static [&'static str],
    /// Pages that it may frame (`frame-src`).
    pub(crate) frame: &'static [&'static str],
    /// Bases of its relative URLs (`base-uri`).
    pub(crate) base_uri: &'static [&'static str],
}

impl Csp {
    /// No origin at all.
    pub(crate) const NONE: Self = Self { connect: &[], resource: &[], frame: &[], base_uri: &[] };

    /// The four lists.
    pub(crate) const fn lists(&self) -> [&'static [&'static str]; 4] {
        [self.connect, self.resource, self.frame, self.base_uri]
    }
}
