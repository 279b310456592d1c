//! What was asked for, as the messages of failures name it.

use std::{error::Error as StdError, io, time::Duration};

use http::{Method, StatusCode};
use url::Url;

use crate::error::{Error, ErrorKind};

/// As much of a path as a message repeats, in characters.
const PATH: usize = 200;

/// A request, without what is nobody's business: no query, no headers, no body.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) provider: &'static str,
    pub(super) method: Method,
    pub(super) timeout: Duration,
    host: String,
    path: String,
}

impl Asked {
    pub(super) fn new(
        provider: &'static str,
        method: Method,
        url: &Url,
        timeout: Duration,
    ) -> Self {
        let host = url.host_str().unwrap_or_default().to_owned();
        let path = match url.path().char_indices().nth(PATH) {
            Some((end, _)) => format!("{}…", &url.path()[..end]),
            None => url.path().to_owned(),
        };
        Self { provider, method, timeout, host, path }
    }

    /// `GET /repos/alice/compass`, for a message.
    pub(super) fn what(&self) -> String {
        format!("`{} {}`", self.method, self.path)
    }

    /// Asking again does no harm.
    pub(super) fn is_safe(&self) -> bool {
        self.method.is_safe()
    }

    /// What to do after an answer that did not come or may not be the whole truth.
    pub(super) fn once_more(&self) -> &'static str {
        if self.is_safe() {
            "Nothing about the arguments has to change: call again later"
        } else {
            "It may have been done all the same: look before calling again"
        }
    }

    /// No answer, or not all of it. `error` goes to the log without the URL, whose query may hold
    /// what the user looked for.
    pub(super) fn unreachable(&self, error: reqwest::Error) -> Error {
        let Self { provider, host, .. } = self;
        let (what, advice) = if error.is_connect() {
            (why_unconnected(&error), "Nothing was asked for: call again later")
        } else if error.is_timeout() {
            (
                format!("did not answer {} within {}", self.what(), words(self.timeout)),
                self.once_more(),
            )
        } else {
            (format!("broke off while it answered {}", self.what()), self.once_more())
        };
        Error::with_kind(
            ErrorKind::UpstreamUnreachable { provider },
            format!("{provider} ({host}) {what}. {advice}"),
        )
        .with_source(error.without_url())
    }

    /// An answer that cannot be read.
    pub(super) fn unreadable(&self, what: &str) -> Error {
        let provider = self.provider;
        let message = format!("{provider} answered {} with {what}", self.what());
        Error::with_kind(ErrorKind::UpstreamUnreachable { provider }, message)
    }

    /// An answer that leads to where the token must not go.
    pub(super) fn elsewhere(&self, status: StatusCode, target: &Url) -> Error {
        let Self { provider, host, .. } = self;
        let place = match target.host_str() {
            Some(place) if place != host && target.port().is_none() => place.to_owned(),
            // What differs is the scheme, the port, or a name and a password.
            _ => target.origin().ascii_serialization(),
        };
        // Names of hosts are at most 253 characters long; what a URL parser accepts is not.
        let place: String = place.chars().take(253).collect();
        self.refused(
            status,
            format!(
                "{provider} sends {} on to `{place}`, outside of its API at `{host}`: that was not followed, and the token was not sent there",
                self.what()
            ),
        )
    }

    /// An answer that is a refusal, in words that are ready.
    pub(super) fn refused(&self, status: StatusCode, message: String) -> Error {
        let kind = ErrorKind::UpstreamRefused {
            provider: self.provider,
            status: status.as_u16(),
            retry_after: None,
        };
        Error::with_kind(kind, message)
    }

    /// Nobody but the user can help: the provider does not accept what was just renewed either.
    pub(super) fn no_longer_accepted(&self) -> Error {
        let provider = self.provider;
        Error::with_kind(
            ErrorKind::GrantExpired { provider },
            format!(
                "{provider} no longer accepts the user's authorization; the user has to connect {provider} again"
            ),
        )
    }
}

fn why_unconnected(error: &reqwest::Error) -> String {
    if error.is_dns() {
        return "has a name that cannot be resolved".to_owned();
    }
    if error.is_timeout() {
        return "does not take connections in time".to_owned();
    }
    let mut next: Option<&dyn StdError> = Some(error);
    while let Some(cause) = next {
        match cause.downcast_ref::<io::Error>().map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => return "refuses connections".to_owned(),
            // How TLS reports a bad handshake or certificate.
            Some(io::ErrorKind::InvalidData) => {
                return "has no TLS certificate that this machine trusts, or speaks no TLS"
                    .to_owned();
            }
            // What an `io::Error` wraps is not its source.
            Some(_) => {
                let wrapped = cause.downcast_ref().and_then(io::Error::get_ref);
                next = wrapped.map(|wrapped| wrapped as &dyn StdError).or(cause.source());
            }
            None => next = cause.source(),
        }
    }
    "cannot be reached".to_owned()
}

/// `90 seconds`, `30 minutes`, `2 hours`: rounded up, so that waiting that long is enough.
pub(super) fn words(time: Duration) -> String {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    let (number, unit) = match seconds {
        0..=120 => (seconds, "second"),
        121..=7200 => (seconds.div_ceil(60), "minute"),
        _ => (seconds.div_ceil(3600), "hour"),
    };
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_words() {
        let read = |seconds| words(Duration::from_secs(seconds));
        assert_eq!(
            [read(1), read(90), read(121), read(7200), read(7201)].join(", "),
            "1 second, 90 seconds, 3 minutes, 120 minutes, 3 hours"
        );
        assert_eq!(words(Duration::from_millis(1)), "1 second");
    }

    #[test]
    fn a_request_is_named_without_its_query_and_bounded() {
        let url = Url::parse(&format!("https://a.example/{}?secret", "ä".repeat(500))).unwrap();
        let asked = Asked::new("Forge", Method::GET, &url, Duration::ZERO);
        assert!(asked.what().len() < 250 && !asked.what().contains("secret"), "{}", asked.what());
    }
}
