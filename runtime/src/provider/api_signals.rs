//! Signals in an API's responses: what a status, a header or a member of the body means.

/// What the responses of an API mean besides their status. Read in the order of the fields.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ApiSignals {
    /// The rate limit is used up.
    pub rate_limited: Option<Condition>,
    /// The token lacks a scope.
    pub insufficient_scope: Option<Condition>,
    /// A JSON pointer to the scopes that [`Self::insufficient_scope`] is about: text, separated by
    /// commas or spaces, or a list.
    pub needed_scopes: Option<&'static str>,
    /// The token is no longer valid.
    pub invalid_token: Option<Condition>,
    /// The request failed for another reason.
    pub api_error: Option<Condition>,
}

impl ApiSignals {
    /// The status alone, and the headers that many APIs have.
    pub const STANDARD: Self = Self {
        rate_limited: None,
        insufficient_scope: None,
        needed_scopes: None,
        invalid_token: None,
        api_error: None,
    };

    /// Sets [`Self::rate_limited`].
    #[must_use]
    pub const fn rate_limited(self, condition: Condition) -> Self {
        Self { rate_limited: Some(condition), ..self }
    }

    /// Sets [`Self::insufficient_scope`].
    #[must_use]
    pub const fn insufficient_scope(self, condition: Condition) -> Self {
        Self { insufficient_scope: Some(condition), ..self }
    }

    /// Sets [`Self::needed_scopes`].
    #[must_use]
    pub const fn needed_scopes(self, pointer: &'static str) -> Self {
        Self { needed_scopes: Some(pointer), ..self }
    }

    /// Sets [`Self::invalid_token`].
    #[must_use]
    pub const fn invalid_token(self, condition: Condition) -> Self {
        Self { invalid_token: Some(condition), ..self }
    }

    /// Sets [`Self::api_error`].
    #[must_use]
    pub const fn api_error(self, condition: Condition) -> Self {
        Self { api_error: Some(condition), ..self }
    }
}

/// A condition on a response of an API.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Condition {
    /// The status.
    pub status: u16,
    /// What is looked at besides.
    pub place: Place,
    /// The values there, of which one is met; none: any value but `null`. A number or a boolean is
    /// compared as JSON writes it.
    pub values: &'static [&'static str],
}

/// What a [`Condition`] looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// The status is enough.
    Status,
    /// A header with this name.
    Header(&'static str),
    /// The member of the JSON body at this pointer (RFC 6901).
    Pointer(&'static str),
}

impl Condition {
    /// Any response with this status.
    pub const fn status(status: u16) -> Self {
        Self { status, place: Place::Status, values: &[] }
    }

    /// Looks at a header.
    #[must_use]
    pub const fn header(self, name: &'static str) -> Self {
        Self { place: Place::Header(name), ..self }
    }

    /// Looks at a member of the JSON body.
    #[must_use]
    pub const fn pointer(self, pointer: &'static str) -> Self {
        Self { place: Place::Pointer(pointer), ..self }
    }

    /// Sets [`Self::values`].
    #[must_use]
    pub const fn values(self, values: &'static [&'static str]) -> Self {
        Self { values, ..self }
    }
}
