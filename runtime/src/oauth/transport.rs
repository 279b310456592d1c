//! HTTP transport for the `oauth2` crate: bounded, and in the provider's dialect.
//!
//! The crate sends forms and accepts only what RFC 6749 §5 prescribes. A form becomes JSON where the
//! provider wants that, and [`normalize`] rewrites a response before the crate reads it.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures::{FutureExt, future::BoxFuture};
use http::{HeaderValue, header};
use oauth2::{AsyncHttpClient, HttpRequest, HttpResponse};
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::{
    TokenError,
    normalize::normalize,
    raw_response::{Exchanged, RawResponse},
    timely_body::TimelyBody,
};
use crate::{
    provider::{BodyFormat, Dialect},
    support::crash_point::crash_point,
};

/// How long a token request may take.
pub(super) const TOKEN_REQUEST_TIMEOUT: Duration = Duration::from_secs(25);

/// Sends the requests of the `oauth2` crate.
pub(super) struct Transport {
    pub(super) http: reqwest::Client,
    pub(super) dialect: &'static Dialect,
    pub(super) exchanged: Exchanged,
    /// When it is too late to send the request. It has no timeout then: the caller bounds it.
    pub(super) latest: Option<Instant>,
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
        let Some(latest) = self.latest else {
            *request.timeout_mut() = Some(TOKEN_REQUEST_TIMEOUT);
            let response = self.http.execute(request).await?;
            return RawResponse::read(response).await;
        };
        let body =
            request.body_mut().take().and_then(|body| body.as_bytes().map(Bytes::copy_from_slice));
        let (body, is_late) = TimelyBody::new(body.unwrap_or_default(), latest);
        *request.body_mut() = Some(reqwest::Body::wrap(body));
        crash_point("refresh.sending");
        match self.http.execute(request).await {
            Ok(response) => RawResponse::read(response).await,
            Err(_) if is_late.load(Ordering::Acquire) => Err(TokenError::Unreachable {
                description: "the right to renew ended before the request was sent".to_owned(),
                maybe_sent: false,
            }),
            Err(error) => Err(error.into()),
        }
    }
}

fn form_to_json(form: &[u8]) -> Vec<u8> {
    let members: Map<String, Value> = form_urlencoded::parse(form)
        .map(|(name, value)| (name.into_owned(), value.into_owned().into()))
        .collect();
    Value::from(members).to_string().into_bytes()
}
