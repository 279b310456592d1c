//! An application that wants a token, as an MCP host does.

use aws_lc_rs::digest;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use reqwest::StatusCode;
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use super::{Answer, Browser, Site};

/// Where applications are sent back to if nothing else is said.
pub const REDIRECT: &str = "http://127.0.0.1:7777/app/callback";

const VERIFIER: &str = "a-verifier-that-is-long-enough-for-the-rfc-0123456789";

/// The challenge of a verifier.
pub fn s256(verifier: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}

/// An application that is registered.
#[derive(Clone, Debug)]
pub struct Application {
    /// Its identifier.
    pub id: String,
    /// Its secret, if it is confidential.
    pub secret: Option<String>,
    /// Where it is sent back to.
    pub redirect: String,
    url: String,
    resource: String,
}

/// What a token endpoint said.
#[derive(Clone, Debug)]
pub struct Walk {
    /// The status.
    pub status: StatusCode,
    /// The JSON.
    pub body: Value,
    /// `Cache-Control`.
    pub cache_control: String,
    /// `WWW-Authenticate`.
    pub challenge: String,
}

impl Walk {
    /// A member that is a text.
    ///
    /// # Panics
    ///
    /// There is none.
    pub fn text(&self, name: &str) -> String {
        self.body[name].as_str().unwrap_or_else(|| panic!("no `{name}`: {self:?}")).to_owned()
    }

    /// The error code, if it is an error.
    pub fn error(&self) -> Option<&str> {
        self.body["error"].as_str()
    }

    /// The claims of the access token, not verified.
    ///
    /// # Panics
    ///
    /// It is no JWT.
    pub fn claims(&self) -> Value {
        let token = self.text("access_token");
        let part = token.split('.').nth(1).expect("a JWT has three parts");
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).expect("base64url");
        serde_json::from_slice(&bytes).expect("JSON")
    }
}

impl Application {
    /// Registers a public application.
    pub async fn register(site: &Site) -> Self {
        Self::register_with(site, json!({})).await
    }

    /// Registers an application with other metadata besides.
    ///
    /// # Panics
    ///
    /// It is refused.
    pub async fn register_with(site: &Site, metadata: Value) -> Self {
        let answer = Self::try_register(site, metadata).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        Self {
            id: answer.text("client_id"),
            secret: answer.body["client_secret"].as_str().map(str::to_owned),
            redirect: answer.body["redirect_uris"][0].as_str().unwrap_or_default().to_owned(),
            url: site.url.clone(),
            resource: site.resource.clone(),
        }
    }

    /// Registers a public application at the server under `url`, whose endpoint is `URL/mcp`.
    ///
    /// # Panics
    ///
    /// It is refused.
    pub async fn register_at(url: &str) -> Self {
        Self::register_named(url, "Test Host").await
    }

    /// As [`register_at`](Self::register_at), with this name.
    ///
    /// # Panics
    ///
    /// It is refused.
    pub async fn register_named(url: &str, name: &str) -> Self {
        let body = json!({
            "client_name": name,
            "redirect_uris": [REDIRECT],
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
        });
        let request = reqwest::Client::new().post(format!("{url}/oauth/register")).json(&body);
        let answer = read(request.send().await.expect("it answers")).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        Self {
            id: answer.text("client_id"),
            secret: None,
            redirect: REDIRECT.to_owned(),
            url: url.to_owned(),
            resource: format!("{url}/mcp"),
        }
    }

    /// The same application under another identifier.
    #[must_use]
    pub fn with_id(&self, id: &str) -> Self {
        Self { id: id.to_owned(), ..self.clone() }
    }

    /// Asks for a registration.
    ///
    /// # Panics
    ///
    /// There is no answer.
    pub async fn try_register(site: &Site, metadata: Value) -> Walk {
        let mut body = json!({
            "client_name": "Test Host",
            "redirect_uris": [REDIRECT],
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
        });
        for (name, value) in metadata.as_object().expect("an object") {
            body[name] = value.clone();
        }
        let request = reqwest::Client::new().post(site.endpoint("register")).json(&body);
        read(request.send().await.expect("it answers")).await
    }

    /// An application that is known by other means.
    pub fn known(site: &Site, id: &str, redirect: &str) -> Self {
        Self {
            id: id.to_owned(),
            secret: None,
            redirect: redirect.to_owned(),
            url: site.url.clone(),
            resource: site.resource.clone(),
        }
    }

    /// The link that a person opens, with some parameters other than usual; an empty one is left
    /// out.
    pub fn link(&self, scope: &str, other: &[(&str, &str)]) -> String {
        let challenge = s256(VERIFIER);
        let mut pairs = vec![
            ("response_type", "code"),
            ("client_id", &self.id),
            ("redirect_uri", &self.redirect),
            ("scope", scope),
            ("state", "the-state"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("resource", &self.resource),
        ];
        for (name, value) in other {
            match pairs.iter_mut().find(|(known, _)| known == name) {
                Some(pair) => pair.1 = value,
                None => pairs.push((name, value)),
            }
        }
        pairs.retain(|(_, value)| !value.is_empty());
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        format!("{}/oauth/authorize?{query}", self.url)
    }

    /// Redeems a code.
    pub async fn redeem(&self, code: &str) -> Walk {
        self.redeem_with(code, &[]).await
    }

    /// Redeems a code, with some parameters other than usual.
    pub async fn redeem_with(&self, code: &str, other: &[(&str, &str)]) -> Walk {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect),
            ("code_verifier", VERIFIER),
            ("resource", &self.resource),
        ];
        self.ask(&self.url, "token", &form, other).await
    }

    /// Redeems a refresh token.
    pub async fn refresh(&self, token: &str) -> Walk {
        self.refresh_with(token, &[]).await
    }

    /// Redeems a refresh token, with some parameters other than usual.
    pub async fn refresh_with(&self, token: &str, other: &[(&str, &str)]) -> Walk {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.ask(&self.url, "token", &form, other).await
    }

    /// Redeems a refresh token at another replica.
    pub async fn refresh_at(&self, url: &str, token: &str) -> Walk {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.ask(url, "token", &form, &[]).await
    }

    /// Redeems a code at another replica.
    pub async fn redeem_at(&self, url: &str, code: &str) -> Walk {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect),
            ("code_verifier", VERIFIER),
        ];
        self.ask(url, "token", &form, &[]).await
    }

    /// Revokes a token.
    pub async fn revoke(&self, token: &str) -> Walk {
        self.ask(&self.url, "revoke", &[("token", token)], &[]).await
    }

    /// Sends a form to an endpoint.
    pub async fn post(&self, endpoint: &str, form: &[(&str, &str)]) -> Walk {
        self.ask(&self.url, endpoint, form, &[]).await
    }

    async fn ask(
        &self,
        url: &str,
        endpoint: &str,
        form: &[(&str, &str)],
        other: &[(&str, &str)],
    ) -> Walk {
        let mut pairs: Vec<(&str, &str)> = form.to_vec();
        pairs.push(("client_id", &self.id));
        if let Some(secret) = &self.secret {
            pairs.push(("client_secret", secret));
        }
        for (name, value) in other {
            match pairs.iter_mut().find(|(known, _)| known == name) {
                Some(pair) => pair.1 = value,
                None => pairs.push((name, value)),
            }
        }
        pairs.retain(|(_, value)| !value.is_empty());
        let request = reqwest::Client::new().post(format!("{url}/oauth/{endpoint}")).form(&pairs);
        read(request.send().await.expect("it answers")).await
    }

    /// Signs `user` in, in a browser of the test's, and redeems the code.
    ///
    /// # Panics
    ///
    /// It does not work.
    pub async fn sign_in(&self, browser: &Browser, scope: &str, user: &str) -> Walk {
        let answer = self.walk(browser, scope, user).await;
        let tokens = self.redeem(answer.code()).await;
        assert_eq!(tokens.status, 200, "{}", tokens.body);
        tokens
    }

    /// Signs `user` in, as far as the answer.
    pub async fn walk(&self, browser: &Browser, scope: &str, user: &str) -> Answer {
        browser.sign_in(&self.link(scope, &[]), user).await.answer()
    }

    /// Where the answer must be sent.
    pub fn expects(&self, url: &Url) -> bool {
        url.as_str().starts_with(&self.redirect)
    }
}

/// Reads an answer in JSON, or none.
///
/// # Panics
///
/// The connection breaks.
async fn read(response: reqwest::Response) -> Walk {
    let header = |name: &str| {
        let value = response.headers().get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let (cache_control, challenge) = (header("cache-control"), header("www-authenticate"));
    let status = response.status();
    let text = response.text().await.expect("an answer");
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Walk { status, body, cache_control, challenge }
}
