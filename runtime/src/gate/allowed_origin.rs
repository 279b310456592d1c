//! Origins whose pages may call.

use url::Url;

/// Checks that the text is an origin as browsers send it.
pub(super) fn check_allowed_origin(origin: &str) -> Result<(), String> {
    let url = Url::parse(origin).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    match url.map(|url| url.origin().ascii_serialization()) {
        Some(sent) if sent == origin => Ok(()),
        Some(sent) => Err(format!("`{origin}` is not what browsers send: write `{sent}`")),
        None => Err(format!(
            "`{origin}` is no origin: name each one whose pages may call, like `https://app.example`"
        )),
    }
}
