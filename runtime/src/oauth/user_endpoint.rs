//! The identity of a person, from the provider's API.

use std::time::Duration;

use bytes::Bytes;
use http::header;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use crate::{
    error::ConfigError,
    provider::Pairs,
    support::{
        http_client::{BodyError, bounded_bytes},
        url::parse_endpoint,
    },
};

/// How long the provider may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest answer, in bytes.
const MAX_ANSWER_BYTES: usize = 256 * 1024;
/// The longest identifier, in bytes.
const MAX_IDENTIFIER_LEN: usize = 200;

/// Who the owner of a token is.
pub(crate) struct Identity {
    pub(crate) subject: String,
    /// What the endpoint says of the person.
    pub(crate) profile: Value,
}

/// The endpoint of the provider's API that identifies the owner of a token.
#[derive(Clone, Debug)]
pub(crate) struct UserEndpoint {
    url: Url,
    /// A JSON pointer (RFC 6901).
    pointer: String,
    /// The provider's identifier, if subjects begin with it.
    subject_prefix: Option<&'static str>,
    http: reqwest::Client,
    /// What the API wants with each request.
    headers: Pairs,
    /// The JSON of a POST; without it, the request is a GET.
    body: Option<&'static str>,
}

impl UserEndpoint {
    /// `path` is below the API `api`; `member` is a member of the answer, or a JSON pointer to it.
    pub(crate) fn new(
        api: &str,
        path: &str,
        member: &str,
        subject_prefix: Option<&'static str>,
        http: reqwest::Client,
    ) -> Result<Self, ConfigError> {
        // Where the API's address is of each person, the endpoint is named by its whole URL.
        let is_whole = api.contains('{') && path.contains("://");
        let text = if is_whole {
            parse_endpoint("the endpoint that identifies a person", path, "tokens travel to it")?;
            path.to_owned()
        } else {
            format!("{}/{}", api.trim_end_matches('/'), path.trim_start_matches('/'))
        };
        if text.contains('{') {
            let message = format!("`{text}` differs from person to person");
            return Err(ConfigError::new(message)
                .help("name the endpoint that identifies a person by its whole URL"));
        }
        let url = Url::parse(&text).map_err(|error| {
            ConfigError::new(format!("the endpoint that identifies a person: `{text}`: {error}"))
        })?;
        if !is_whole && Url::parse(api).is_ok_and(|api| api.origin() != url.origin()) {
            let message = format!("`{text}` is not at the provider's API");
            return Err(ConfigError::new(message).help("give a path, such as `/user`"));
        }
        let pointer = match member {
            "" => {
                return Err(ConfigError::new("the member that identifies a person is not named")
                    .help("such as `.user(\"/user\", \"id\")`"));
            }
            pointer if pointer.starts_with('/') => pointer.to_owned(),
            member => format!("/{}", member.replace('~', "~0").replace('/', "~1")),
        };
        Ok(Self { url, pointer, subject_prefix, http, headers: &[], body: None })
    }

    /// Sets the headers that the API wants with each request.
    pub(crate) fn headers(self, headers: Pairs) -> Self {
        Self { headers, ..self }
    }

    /// Sets the JSON body; with one, the request is a POST.
    pub(crate) fn body(self, body: Option<&'static str>) -> Self {
        Self { body, ..self }
    }

    fn find(&self, answer: &Value) -> Option<String> {
        let id = match answer.pointer(&self.pointer)? {
            Value::String(text) => text.clone(),
            Value::Number(number) if number.is_i64() || number.is_u64() => number.to_string(),
            _ => return None,
        };
        Self::fits(&id).then_some(id)
    }

    /// Returns to whom the provider's token belongs, or why it is not known.
    pub(crate) async fn identify(&self, token: &SecretString) -> Result<Identity, String> {
        let answer = tokio::time::timeout(ANSWER_TIMEOUT, self.request(token))
            .await
            .map_err(|_| format!("no answer in {} s", ANSWER_TIMEOUT.as_secs()))??;
        let answer: Value =
            serde_json::from_slice(&answer).map_err(|_| "the answer is not JSON".to_owned())?;
        let id = self
            .find(&answer)
            .ok_or_else(|| format!("there is no identifier at `{}`", self.pointer))?;
        Ok(Identity { subject: self.subject(&id), profile: answer })
    }

    /// The subject of the person whom the provider knows as `id`.
    pub(crate) fn subject(&self, id: &str) -> String {
        match self.subject_prefix {
            Some(prefix) => format!("{prefix}:{id}"),
            None => id.to_owned(),
        }
    }

    /// Whether the provider may know a person under this identifier.
    pub(crate) fn fits(id: &str) -> bool {
        let fits =
            !id.is_empty() && id.len() <= MAX_IDENTIFIER_LEN && !id.chars().any(char::is_control);
        fits && id.trim() == id
    }

    async fn request(&self, token: &SecretString) -> Result<Bytes, String> {
        let mut bearer =
            http::HeaderValue::try_from(format!("Bearer {}", token.expose_secret()))
                .map_err(|_| "its token has characters that a header cannot have".to_owned())?;
        bearer.set_sensitive(true);
        let describe = |error: reqwest::Error| error.without_url().to_string();
        let request = match self.body {
            None => self.http.get(self.url.clone()),
            Some(json) => {
                let request = self.http.post(self.url.clone()).body(json);
                request.header(header::CONTENT_TYPE, "application/json")
            }
        };
        let mut request = request.header(header::AUTHORIZATION, bearer);
        if !self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("accept")) {
            request = request.header(header::ACCEPT, "application/json");
        }
        for (name, value) in self.headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.map_err(describe)?;
        if !response.status().is_success() {
            return Err(format!("status {}", response.status().as_u16()));
        }
        let body = bounded_bytes(reqwest::Body::from(response), MAX_ANSWER_BYTES).await;
        body.map_err(|error| match error {
            BodyError::TooLarge => "an answer of more than 256 KiB".to_owned(),
            BodyError::Broken(error) => describe(error),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn endpoint(api: &str, path: &str, member: &str) -> Result<UserEndpoint, ConfigError> {
        UserEndpoint::new(api, path, member, None, reqwest::Client::new())
    }

    #[test]
    fn an_identifier_is_a_name_or_a_whole_number() {
        let find = |member: &str, answer: Value| {
            endpoint("https://api.example/v1", "/user", member).unwrap().find(&answer)
        };
        assert_eq!(find("id", json!({ "id": 17 })).as_deref(), Some("17"));
        assert_eq!(find("/data/id", json!({ "data": { "id": "x" } })).as_deref(), Some("x"));
        assert_eq!(find("a/b", json!({ "a/b": "x" })).as_deref(), Some("x"));
        for answer in [
            json!({}),
            json!([]),
            json!({ "id": "" }),
            json!({ "id": null }),
            json!({ "id": 1.5 }),
            json!({ "id": true }),
            json!({ "id": " x" }),
            json!({ "id": "x\ny" }),
            json!({ "id": ["x"] }),
            json!({ "id": "x".repeat(MAX_IDENTIFIER_LEN + 1) }),
        ] {
            assert_eq!(find("id", answer.clone()), None, "{answer}");
        }
    }

    #[test]
    fn the_token_goes_to_the_api_and_nowhere_else() {
        let user_endpoint = endpoint("https://api.example/v1/", "user", "id").unwrap();
        assert_eq!(user_endpoint.url.as_str(), "https://api.example/v1/user");
        let odd = endpoint("https://api.example", "//evil.example/user", "id").unwrap();
        assert_eq!(odd.url.host_str(), Some("api.example"));
        assert!(endpoint("https://api.example", "/user", "").is_err());
    }
}
