//! Where a server's resource is, and what is said of it to whoever comes.

use bytes::Bytes;
use http::HeaderValue;
use url::Url;

use crate::{
    gate::{AuthError, Challenge, Metadata, Verifier, path_of, url_of},
    provider::is_loopback,
};

/// Where the resource is, and what is said of it: made once.
pub(crate) struct Place {
    pub(crate) resource: String,
    pub(crate) url: Url,
    /// As the `Host` of nearly every request has it.
    pub(crate) authority: String,
    /// The URL of the metadata.
    pub(crate) metadata: String,
    /// The path of the same, and the document.
    pub(crate) path: String,
    pub(crate) document: Bytes,
    /// What is answered to whoever has no token.
    pub(crate) missing: HeaderValue,
    /// The algorithms of the proofs of possession that are taken (RFC 9449).
    proofs: Vec<String>,
}

impl Place {
    pub(crate) fn new(
        resource: String,
        resource_name: String,
        verifier: &dyn Verifier,
        basic: &[String],
    ) -> Result<Self, String> {
        let url =
            Url::parse(&resource).map_err(|error| format!("the resource `{resource}`: {error}"))?;
        if url.fragment().is_some() || url.query().is_some() {
            return Err(format!(
                "the resource `{resource}` has a query or a fragment (RFC 8707 §2)"
            ));
        }
        if url.scheme() != "https" && !is_loopback(&url) {
            return Err(format!(
                "the resource `{resource}` is not https: tokens travel to it; plain http is for this machine"
            ));
        }
        let document = Metadata {
            resource: resource.clone(),
            authorization_servers: verifier.authorization_servers(),
            scopes_supported: basic.to_vec(),
            bearer_methods_supported: ["header"],
            resource_name,
        };
        let proofs = verifier.proof_algorithms();
        let document = document.with_proofs(proofs);
        let document = serde_json::to_vec(&document).map_err(|error| error.to_string())?.into();
        let mut place = Self {
            authority: url.authority().to_owned(),
            metadata: url_of(&url),
            path: path_of(&url),
            missing: HeaderValue::from_static("Bearer"),
            proofs: proofs.iter().map(|&algorithm| algorithm.to_owned()).collect(),
            resource,
            url,
            document,
        };
        place.missing = place.challenge(&AuthError::Missing, basic.to_vec());
        Ok(place)
    }

    pub(crate) fn challenge(&self, refusal: &AuthError, scopes: Vec<String>) -> HeaderValue {
        let proofs: Vec<_> = self.proofs.iter().map(String::as_str).collect();
        Challenge { refusal, metadata: &self.metadata, scopes }.header_for(&proofs)
    }
}
