//! HTTP transport for the `oauth2` crate: bounded, and in the provider's dialect.
//!
//! The crate sends forms and accepts only what RFC 6749 §5 prescribes. A form becomes JSON where the
//! provider wants that, and [`normalize`] rewrites a response before the crate reads it.

use std::time::Duration;

use futures::{FutureExt, future::BoxFuture};
use http::{HeaderValue, header};
use oauth2::{AsyncHttpClient, HttpRequest, HttpResponse};
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::{
    TokenError,
    normalize::normalize,
    raw_response::{Exchanged, RawResponse},
};
use crate::provider::{BodyFormat, Dialect};

/// How long a token request may take.
pub(super) const TOKEN_REQUEST_TIMEOUT: Duration = Duration::from_secs(25);

/// Sends the requests of the `oauth2` crate.
pub(super) struct Transport {
    pub(super) http: reqwest::Client,
    pub(super) dialect: &'static Dialect,
    pub(super) exchanged: Exchanged,
}

impl<'c> AsyncHttpClient<'c> for Transport {
    type Error = TokenError;
    type Future = BoxFuture<'c, Result<HttpResponse, TokenError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        async move {
            let response = self.send(request).await?;
            normalize(&response, self.dialect, self.exchanged)
        }
        .boxed()
    }
}

impl Transport {
    async fn send(&self, mut request: HttpRequest) -> Result<RawResponse, TokenError> {
        if self.dialect.token_body == BodyFormat::Json {
            let json = form_to_json(request.body());
            *request.body_mut() = json;
            let content_type = HeaderValue::from_static("application/json");
            request.headers_mut().insert(header::CONTENT_TYPE, content_type);
        }
        let mut request = reqwest::Request::try_from(request)?;
        if let Some(credentials) = request.headers_mut().get_mut(header::AUTHORIZATION) {
            credentials.set_sensitive(true);
        }
        *request.timeout_mut() = Some(TOKEN_REQUEST_TIMEOUT);
        let response = self.http.execute(request).await?;
        RawResponse::read(response).await
    }
}

fn form_to_json(form: &[u8]) -> Vec<u8> {
    let members: Map<String, Value> = form_urlencoded::parse(form)
        .map(|(name, value)| (name.into_owned(), value.into_owned().into()))
        .collect();
    Value::from(members).to_string().into_bytes()
}
