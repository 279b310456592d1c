//! Further APIs of a provider, which accept the same tokens.

use std::{fmt, marker::PhantomData};

/// Another API of `P` than [`Provider::API`](super::Provider::API), at a host of its own, which
/// accepts the same tokens: Google has one for spreadsheets, Dropbox one for the contents of files.
///
/// The author of the provider declares it as a constant, and a tool passes it to
/// [`AuthedClient::at`](crate::AuthedClient::at). Only a text of the program can be one, so that no
/// argument leads a token anywhere.
///
/// ```
/// use toolgate::{prelude::*, provider::Api};
///
/// /// An office.
/// #[provider(
///     api = "https://api.office.example",
///     authorize = "https://office.example/authorize",
///     token = "https://office.example/token"
/// )]
/// pub enum Office {
///     /// See your spreadsheets.
///     #[scope("sheets:read", access = read)]
///     SheetsRead,
/// }
///
/// impl Office {
///     /// The API of spreadsheets.
///     pub const SHEETS: Api<Self> = Api::new("https://sheets.office.example/v4");
/// }
///
/// /// Reads a spreadsheet.
/// #[tool(scopes = "sheets:read")]
/// async fn read_sheet(office: AuthedClient<Office>, id: String) -> Result<String> {
///     office.at(Office::SHEETS).get(path!("/sheets/{id}")).send().await?.text().await
/// }
/// ```
pub struct Api<P> {
    url: &'static str,
    of: PhantomData<fn() -> P>,
}

impl<P> Api<P> {
    /// The API at this base URL.
    ///
    /// # Panics
    ///
    /// The URL is not https, or has a user, a query or a fragment. In a constant, that is an error
    /// of the compiler.
    pub const fn new(url: &'static str) -> Self {
        assert!(is_base_url(url), "an API is an https URL without user, query and fragment");
        Self { url, of: PhantomData }
    }

    pub(crate) fn url(&self) -> &'static str {
        self.url
    }
}

const fn is_base_url(url: &str) -> bool {
    const SCHEME: &[u8] = b"https://";
    let url = url.as_bytes();
    let mut at = 0;
    while at < url.len() {
        let wrong = match url[at] {
            b'@' | b'?' | b'#' | b'\\' | b'{' | b'}' | b'"' | b'<' | b'>' => true,
            byte => !byte.is_ascii_graphic() || at < SCHEME.len() && byte != SCHEME[at],
        };
        if wrong {
            return false;
        }
        at += 1;
    }
    url.len() > SCHEME.len() && url[SCHEME.len()].is_ascii_alphanumeric()
}

impl<P> Clone for Api<P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for Api<P> {}

impl<P> fmt::Debug for Api<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Api").field(&self.url).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::is_base_url;

    #[test]
    fn a_base_url_is_https_and_names_nothing_else() {
        for url in ["https://sheets.example.com", "https://a.example/v4", "https://a.example:8443/"]
        {
            assert!(is_base_url(url), "{url}");
        }
        for url in [
            "",
            "https://",
            "https:///v4",
            "http://a.example",
            "https://user@a.example",
            "https://a.example?x",
            "https://a.example#x",
            "https://a.example/{id}",
            "https://a .example",
            "https://[::1]",
        ] {
            assert!(!is_base_url(url), "{url}");
        }
    }
}
