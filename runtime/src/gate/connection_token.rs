//! Token of a connection: verified when the connection is opened, and again with each of its messages.

use std::{net::IpAddr, time::Duration};

use http::{Request, request::Parts};

#[cfg(feature = "websocket")]
use super::credentials::has_token_in_query;
use super::{
    AuthError, Claims, Credentials, Scheme, TokenCache, gate_error::GateError,
    resource_server::ResourceServer,
};

/// How often the token of a connection is verified on which nothing comes.
const RECHECK_INTERVAL: Duration = Duration::from_secs(30);

/// The token that opened a connection.
pub(crate) struct ConnectionToken {
    /// The head of the request, with its credentials.
    head: Parts,
    client: Option<IpAddr>,
    /// `None` for an anonymous caller.
    claims: Option<Claims>,
    /// The request had a proof of possession, which is accepted once. The token is good until it
    /// expires.
    is_proved: bool,
    cache: TokenCache,
}

impl ConnectionToken {
    /// The token of the request with this head, which `claims` are the verified claims of.
    pub(crate) fn new(parts: &Parts, client: Option<IpAddr>, claims: Option<Claims>) -> Self {
        let mut head = Request::new(()).into_parts().0;
        head.method = parts.method.clone();
        head.uri = parts.uri.clone();
        head.headers = parts.headers.clone();
        let credentials = Credentials::read(&head.headers, &head.uri);
        let is_proved = matches!(credentials, Ok(Some(found)) if found.scheme == Scheme::Dpop);
        Self { head, client, claims, is_proved, cache: TokenCache::default() }
    }

    /// Verifies the token for a message, and counts the message by the client's address.
    #[cfg(feature = "websocket")]
    pub(crate) async fn authenticate(
        &self,
        gate: &ResourceServer,
    ) -> Result<Option<Claims>, GateError> {
        gate.count_client(self.client)?;
        self.verify(gate).await
    }

    async fn verify(&self, gate: &ResourceServer) -> Result<Option<Claims>, GateError> {
        if let Some(ago) = gate.expired_since(self.claims.as_ref()) {
            return Err(gate.unauthorized(
                &gate.tracer.of(&self.head.extensions),
                AuthError::Expired { ago },
                (None, None),
            ));
        }
        if self.is_proved {
            return Ok(self.claims.clone());
        }
        gate.identify(&self.head, (self.client, Some(&self.cache)), || false).await
    }

    /// Waits until the token is no longer good, or its sign-in has ended, and says why. Without a
    /// token a connection ends as a stream does.
    pub(crate) async fn ended(&self, gate: &ResourceServer) -> String {
        let Some(claims) = &self.claims else {
            tokio::time::sleep(gate.remaining_lifetime(None)).await;
            return "without an access token a connection lasts an hour".to_owned();
        };
        let mut sign_in = std::pin::pin!(gate.sign_in_ended(claims));
        loop {
            let left = gate.remaining_lifetime(Some(claims));
            tokio::select! {
                () = &mut sign_in => return "the sign-in has ended".to_owned(),
                () = tokio::time::sleep(left.min(RECHECK_INTERVAL)) => {}
            }
            if left <= RECHECK_INTERVAL {
                return "the token has expired".to_owned();
            }
            match self.verify(gate).await {
                Err(GateError::Unauthorized(error, _)) if !error.is_temporary() => {
                    return error.to_string();
                }
                _ => {}
            }
        }
    }
}

impl ResourceServer {
    /// How long ago the token expired; `None` while it is good.
    fn expired_since(&self, claims: Option<&Claims>) -> Option<Duration> {
        if !self.remaining_lifetime(claims).is_zero() {
            return None;
        }
        let end = claims?.expiration()?;
        Some(self.clock.now().duration_since(end).unwrap_or_default())
    }

    /// Refuses a request whose token came in the URL, which is logged (RFC 9700 §4.3.2).
    #[cfg(feature = "websocket")]
    pub(crate) fn refuse_token_in_query(&self, parts: &Parts) -> Result<(), GateError> {
        const IN_QUERY: AuthError =
            AuthError::Malformed("the token came in the URL; send it in `Authorization` alone");
        if has_token_in_query(&parts.uri) {
            let span = self.tracer.of(&parts.extensions);
            return Err(self.unauthorized(&span, IN_QUERY, (None, None)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicU32, Ordering::SeqCst},
        },
        time::SystemTime,
    };

    use async_trait::async_trait;
    use http::HeaderValue;
    use tokio::time::Instant;
    use url::Url;

    use super::*;
    use crate::{
        gate::{Gate, PresentedToken, Verifier},
        grant::ManualClock,
    };

    /// Accepts a token twice. Then it cannot tell, and then it refuses it.
    #[derive(Default)]
    struct Twice(AtomicU32);

    #[async_trait]
    impl Verifier for Twice {
        async fn verify(&self, presented: PresentedToken<'_>) -> Result<Claims, AuthError> {
            match self.0.fetch_add(1, SeqCst) {
                0 | 1 => Ok(Claims::new("https://login.example", presented.credentials.token())),
                2 => Err(AuthError::Unavailable { retry_after: Duration::from_secs(1) }),
                _ => Err(AuthError::Inactive),
            }
        }

        fn authorization_servers(&self) -> Vec<String> {
            Vec::new()
        }
    }

    fn gate() -> ResourceServer {
        let gate = Gate::new(Twice::default()).resource("https://tools.example/mcp");
        let clock = Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH));
        let base = Url::parse("https://tools.example/").unwrap();
        let tools = std::iter::empty();
        ResourceServer::new(gate, false, "tools".to_owned(), clock, (&base, &[]), tools).unwrap()
    }

    fn parts(authorization: &'static str) -> Parts {
        let mut parts = Request::get("/ws").body(()).unwrap().into_parts().0;
        let value = HeaderValue::from_static(authorization);
        parts.headers.insert(http::header::AUTHORIZATION, value);
        parts
    }

    fn claims(lifetime: Duration) -> Claims {
        Claims::new("https://login.example", "alice").expires_at(SystemTime::UNIX_EPOCH + lifetime)
    }

    #[tokio::test(start_paused = true)]
    async fn the_token_of_a_silent_connection_is_verified_again() {
        let (gate, began) = (gate(), Instant::now());
        let claims = claims(Duration::from_secs(3600));
        let token = ConnectionToken::new(&parts("Bearer alice"), None, Some(claims));
        assert_eq!(token.ended(&gate).await, "the token was revoked or has expired");
        assert_eq!(began.elapsed(), RECHECK_INTERVAL * 4);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_ends_with_its_token() {
        let (gate, began) = (gate(), Instant::now());
        let token =
            ConnectionToken::new(&parts("Bearer alice"), None, Some(claims(Duration::ZERO)));
        assert_eq!(token.ended(&gate).await, "the token has expired");
        assert_eq!(began.elapsed(), Duration::from_secs(30), "as far as clocks may differ");
        let anonymous = ConnectionToken::new(&parts("Bearer"), None, None);
        let began = Instant::now();
        anonymous.ended(&gate).await;
        assert_eq!(began.elapsed(), Duration::from_secs(3600));
    }

    #[cfg(feature = "websocket")]
    #[tokio::test]
    async fn a_proof_of_possession_is_not_asked_for_again() {
        let gate = gate();
        let bound = ConnectionToken::new(
            &parts("DPoP alice"),
            None,
            Some(claims(Duration::from_secs(3600))),
        );
        for _ in 0..9 {
            let caller = bound.authenticate(&gate).await.unwrap();
            assert_eq!(caller.unwrap().subject(), "alice");
        }
        let past = Claims::new("https://login.example", "alice")
            .expires_at(SystemTime::UNIX_EPOCH - Duration::from_secs(31));
        let expired = ConnectionToken::new(&parts("DPoP alice"), None, Some(past));
        let refused = expired.authenticate(&gate).await.err();
        let Some(GateError::Unauthorized(error, _)) = refused else { panic!("{refused:?}") };
        assert_eq!(error, AuthError::Expired { ago: Duration::from_secs(31) });
    }
}
