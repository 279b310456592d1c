//! The protected resource's metadata (RFC 9728).

use serde::Serialize;
use url::Url;

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// What a client learns of this resource: who issues tokens for it, and which scopes it may want.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Metadata {
    pub(crate) resource: String,
    pub(crate) authorization_servers: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) scopes_supported: Vec<String>,
    pub(crate) bearer_methods_supported: [&'static str; 1],
    pub(crate) resource_name: String,
}

/// Where the metadata of `resource` lies: the well-known path goes between host and path
/// (RFC 9728 §3.1).
pub(crate) fn url_of(resource: &Url) -> String {
    let origin = resource.origin().ascii_serialization();
    format!("{origin}{}", path_of(resource))
}

/// The path of [`url_of`].
pub(crate) fn path_of(resource: &Url) -> String {
    format!("{WELL_KNOWN}{}", resource.path().trim_end_matches('/'))
}

/// Where some clients look first, whatever the path of the resource.
pub(crate) const ROOT: &str = WELL_KNOWN;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_well_known_path_goes_before_the_resources() {
        for (resource, expected) in [
            ("https://a.example/mcp", "https://a.example/.well-known/oauth-protected-resource/mcp"),
            ("https://a.example/", "https://a.example/.well-known/oauth-protected-resource"),
            (
                "https://a.example:8/b/mcp",
                "https://a.example:8/.well-known/oauth-protected-resource/b/mcp",
            ),
        ] {
            assert_eq!(url_of(&Url::parse(resource).unwrap()), expected);
        }
    }
}
