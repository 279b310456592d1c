//! Account endpoints: how a provider says whose account a token opens.

/// The endpoint of a provider's API that says whose account an access token opens.
///
/// With it a person may connect several accounts, and tools get an optional argument that names one.
/// Every token is identified before it is stored, so it never stands for another account.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct AccountEndpoint {
    /// The path below the API: `/user`.
    pub path: &'static str,
    /// The JSON that the endpoint is asked with, by POST: for an API that answers no GET, such as
    /// GraphQL. Without it, the endpoint is asked by GET.
    pub body: Option<&'static str>,
    /// JSON pointers (RFC 6901) to what identifies the account for good, together: `/id`.
    pub id: &'static [&'static str],
    /// JSON pointers to what people know the account by: `/login`. Those after the first stand in
    /// parentheses.
    pub label: &'static [&'static str],
    /// The scopes without which the endpoint does not answer. They are asked for with every consent.
    pub scopes: &'static [&'static str],
    /// The value of the parameter `prompt` (`OpenID` Connect Core §3.1.2.1) with which people choose an
    /// account, when they connect another one.
    pub prompt: Option<&'static str>,
}

impl AccountEndpoint {
    /// Creates the endpoint at `path`, whose answers identify an account by the members at `id`.
    pub const fn new(path: &'static str, id: &'static [&'static str]) -> Self {
        Self { path, body: None, id, label: &[], scopes: &[], prompt: None }
    }

    /// Sets [`Self::body`].
    #[must_use]
    pub const fn body(self, json: &'static str) -> Self {
        Self { body: Some(json), ..self }
    }

    /// Sets [`Self::label`].
    #[must_use]
    pub const fn label(self, label: &'static [&'static str]) -> Self {
        Self { label, ..self }
    }

    /// Sets [`Self::scopes`].
    #[must_use]
    pub const fn scopes(self, scopes: &'static [&'static str]) -> Self {
        Self { scopes, ..self }
    }

    /// Sets [`Self::prompt`].
    #[must_use]
    pub const fn prompt(self, prompt: &'static str) -> Self {
        Self { prompt: Some(prompt), ..self }
    }
}
