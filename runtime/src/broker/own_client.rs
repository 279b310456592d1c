//! The client that a server is of its own broker, to learn who uses a browser.

use super::state::Broker;

/// The identifier of the client.
pub(crate) const OWN_CLIENT_ID: &str = "toolgate-connect";

/// The path of its redirect URI.
pub(crate) const SIGNED_IN_PATH: &str = "/signed-in";

impl Broker {
    /// Where a browser goes to sign in. It comes back to `path`.
    pub(crate) fn sign_in_url(&self, path: &str) -> String {
        let base = self.issuer();
        let redirect_uri = format!("{base}{SIGNED_IN_PATH}");
        // The code is never redeemed, so there is no verifier for this challenge.
        let challenge = "A".repeat(43);
        let pairs = [
            ("response_type", "code"),
            ("client_id", OWN_CLIENT_ID),
            ("redirect_uri", &redirect_uri),
            ("state", path),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("resource", self.resource()),
        ];
        let query =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        format!("{base}/oauth/authorize?{query}")
    }
}
