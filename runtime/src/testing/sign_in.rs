//! Sign-in of a test's client with the broker of the server under test.

use axum::body::Body;
use http::{Request, header};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{
    Answer, Client, Person, RESOURCE,
    addresses::{REDIRECT_URI, host, peer},
};
use crate::{
    error::{Error, Result},
    support::crypto,
};

impl Client {
    /// Signs `person` in with the server's broker, as a host does, and returns the client with the
    /// access token: registers, sends the person to the consent page and to the provider, and redeems
    /// the code. `scopes` are separated by spaces.
    ///
    /// The person consents, unless [`Person::denies`] or [`Person::withholds`] says otherwise. The API of a [`FakeProvider`](super::FakeProvider) has to identify the user at
    /// the path that the broker's `.user(..)` names.
    ///
    /// # Errors
    ///
    /// The server has no broker, or the sign-in failed, for this reason.
    pub async fn sign_in(&self, person: &Person, scopes: &str) -> Result<Self> {
        let id = self.registered.get_or_try_init(|| self.register()).await?;
        let (verifier, state) = (crypto::random_token(), crypto::random_token());
        let challenge = crypto::sha256_base64url(&verifier);
        let query = form(&[
            ("response_type", "code"),
            ("client_id", id),
            ("redirect_uri", REDIRECT_URI),
            ("scope", scopes),
            ("state", &state),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("resource", RESOURCE),
        ]);
        let base = RESOURCE.trim_end_matches("/mcp");
        let page = person.open(format!("{base}/oauth/authorize?{query}")).await?;
        let answer = |name: &str| {
            let mut pairs = page.url().query_pairs();
            pairs.find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
        };
        if !page.url().as_str().starts_with(REDIRECT_URI) {
            return Err(Error::new(format!(
                "the sign-in stopped at `{}` ({}): {}",
                page.url(),
                page.status(),
                page.text()
            )));
        }
        let Some(code) = answer("code").filter(|_| answer("state") == Some(state)) else {
            let (error, why) = (answer("error"), answer("error_description"));
            return Err(Error::new(format!(
                "the sign-in was refused: {}: {}",
                error.unwrap_or_default(),
                why.unwrap_or_default()
            )));
        };
        let redeemed = form(&[
            ("grant_type", "authorization_code"),
            ("client_id", id),
            ("code", &code),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", &verifier),
            ("resource", RESOURCE),
        ]);
        let ty = "application/x-www-form-urlencoded";
        let tokens = self.send("/oauth/token", ty, redeemed).await?;
        let token = text(&tokens, "access_token")
            .ok_or_else(|| ended("the code was not redeemed", &tokens))?;
        Ok(self.with_text(token))
    }

    async fn register(&self) -> Result<String> {
        let metadata = json!({
            "client_name": "toolgate::testing",
            "redirect_uris": [REDIRECT_URI],
            "token_endpoint_auth_method": "none",
        });
        let client = self.send("/oauth/register", "application/json", metadata.to_string()).await?;
        let why = "the server does not register clients; has it a broker?";
        text(&client, "client_id").ok_or_else(|| ended(why, &client))
    }

    async fn send(&self, path: &str, ty: &str, body: String) -> Result<Answer> {
        let request = Request::post(path)
            .header(header::HOST, host())
            .header(header::CONTENT_TYPE, ty)
            .extension(peer())
            .body(Body::from(body))
            .map_err(Error::internal)?;
        Ok(self.answer(request).await)
    }
}

fn text(answer: &Answer, name: &str) -> Option<String> {
    answer.body()[name].as_str().map(str::to_owned)
}

fn ended(what: &str, answer: &Answer) -> Error {
    let body = Some(answer.body()).filter(|body| **body != Value::Null);
    let body = body.map(ToString::to_string).unwrap_or_default();
    Error::new(format!("{what} ({}) {body}", answer.status()))
}

fn form(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}
