//! Descriptions of requests, for the messages of errors.

use std::{error::Error as StdError, io, time::Duration};

use http::{Method, StatusCode};
use url::Url;

use crate::{
    error::{Error, ErrorKind},
    trace::PathTemplate,
};

/// The most characters of a path in a message.
const MAX_PATH_CHARS: usize = 200;

/// The most characters of a host name in a message: host names are at most 253 characters long, but
/// a URL parser accepts longer ones.
const MAX_HOST_CHARS: usize = 253;

/// A request without its private parts: the query, the headers and the body.
#[derive(Clone, Debug)]
pub(super) struct RequestDescription {
    pub(super) provider: &'static str,
    pub(super) method: Method,
    pub(super) timeout: Duration,
    host: String,
    path: String,
    /// The path without the values in it.
    pub(super) path_template: PathTemplate,
}

impl RequestDescription {
    pub(super) fn new(
        provider: &'static str,
        method: Method,
        url: &Url,
        timeout: Duration,
    ) -> Self {
        let host = url.host_str().unwrap_or_default().to_owned();
        let path = match url.path().char_indices().nth(MAX_PATH_CHARS) {
            Some((end, _)) => format!("{}…", &url.path()[..end]),
            None => url.path().to_owned(),
        };
        Self { provider, method, timeout, host, path, path_template: PathTemplate::link() }
    }

    /// Sets the path as the log has it.
    pub(super) fn with_template(mut self, template: PathTemplate) -> Self {
        self.path_template = template;
        self
    }

    /// The error, which the log has without the values in the path: they are arguments of the call.
    pub(super) fn logged(&self, error: Error) -> Error {
        let quoted = format!("`{} {}`", self.method, self.path_template);
        let mut message = error.message().replace(&self.quoted(), &quoted);
        // A provider may repeat the path.
        if self.path.len() > 1 {
            message = message.replace(&self.path, &self.path_template.to_string());
        }
        error.logged_as(message)
    }

    /// `GET /repos/alice/compass`, in backticks.
    pub(super) fn quoted(&self) -> String {
        format!("`{} {}`", self.method, self.path)
    }

    /// Whether the request can be repeated without harm (RFC 9110 §9.2.1).
    pub(super) fn is_safe(&self) -> bool {
        self.method.is_safe()
    }

    /// What to do if it is unknown whether the request was executed.
    pub(super) fn retry_advice(&self) -> &'static str {
        if self.is_safe() {
            "Nothing about the arguments has to change: call again later"
        } else {
            "It may have been done all the same: look before calling again"
        }
    }

    /// The error for no response, or an incomplete one. `error` goes to the log without the URL, whose
    /// query is private.
    pub(super) fn unreachable(&self, error: reqwest::Error) -> Error {
        let Self { provider, host, .. } = self;
        let (failure, advice) = if error.is_connect() {
            (connect_failure(&error), "Nothing was asked for: call again later")
        } else if error.is_timeout() {
            (
                format!("did not answer {} within {}", self.quoted(), spelled_out(self.timeout)),
                self.retry_advice(),
            )
        } else {
            (format!("broke off while it answered {}", self.quoted()), self.retry_advice())
        };
        let message = format!("{provider} ({host}) {failure}. {advice}");
        let described = Error::with_kind(ErrorKind::UpstreamUnreachable { provider }, message);
        self.logged(described.with_source(error.without_url()))
    }

    /// The error for a response that cannot be read.
    pub(super) fn unreadable(&self, what: &str) -> Error {
        let provider = self.provider;
        let message = format!("{provider} answered {} with {what}", self.quoted());
        self.logged(Error::with_kind(ErrorKind::UpstreamUnreachable { provider }, message))
    }

    /// The error for a redirect or link to another origin, where the token must not go.
    pub(super) fn outside_api(&self, status: StatusCode, target: &Url) -> Error {
        let Self { provider, host, .. } = self;
        let place = match target.host_str() {
            Some(place) if place != host && target.port().is_none() => place.to_owned(),
            // The scheme, the port, or a user and a password differ.
            _ => target.origin().ascii_serialization(),
        };
        let place: String = place.chars().take(MAX_HOST_CHARS).collect();
        self.error_response(
            status,
            format!(
                "{provider} sends {} on to `{place}`, outside of its API at `{host}`: that was not followed, and the token was not sent there",
                self.quoted()
            ),
        )
    }

    /// The error for an error response, with its message.
    pub(super) fn error_response(&self, status: StatusCode, message: String) -> Error {
        let kind = ErrorKind::UpstreamRefused {
            provider: self.provider,
            status: status.as_u16(),
            retry_after: None,
        };
        self.logged(Error::with_kind(kind, message))
    }

    /// The error for a renewed token that the provider does not accept either. Only the user can
    /// resolve it.
    pub(super) fn grant_expired(&self) -> Error {
        let provider = self.provider;
        Error::with_kind(
            ErrorKind::GrantExpired { provider },
            format!(
                "{provider} no longer accepts the user's authorization; the user has to connect {provider} again"
            ),
        )
    }
}

fn connect_failure(error: &reqwest::Error) -> String {
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
            // A bad handshake or certificate.
            Some(io::ErrorKind::InvalidData) => {
                return "has no TLS certificate that this machine trusts, or speaks no TLS"
                    .to_owned();
            }
            // An `io::Error` does not report the error that it wraps as its source.
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
pub(super) fn spelled_out(time: Duration) -> String {
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
    fn durations_are_spelled_out() {
        let read = |seconds| spelled_out(Duration::from_secs(seconds));
        assert_eq!(
            [read(1), read(90), read(121), read(7200), read(7201)].join(", "),
            "1 second, 90 seconds, 3 minutes, 120 minutes, 3 hours"
        );
        assert_eq!(spelled_out(Duration::from_millis(1)), "1 second");
    }

    #[test]
    fn the_log_has_no_values_of_the_path() {
        let url = Url::parse("https://a.example/api/repos/alice/secret-project").unwrap();
        let description = RequestDescription::new("Forge", Method::GET, &url, Duration::ZERO)
            .with_template(PathTemplate::new(&["/repos/", "/", ""]));
        for error in [
            description.unreadable("nothing at /api/repos/alice/secret-project"),
            description.error_response(StatusCode::NOT_FOUND, description.quoted()),
            description.outside_api(StatusCode::FOUND, &url),
        ] {
            assert!(error.message().contains("secret-project"), "{}", error.message());
            let logged = error.log_message();
            assert!(logged.contains("`GET /repos/{}/{}`"), "{logged}");
            assert!(!logged.contains("secret-project"), "{logged}");
        }
    }

    #[test]
    fn a_description_has_no_query_and_is_bounded() {
        let url = Url::parse(&format!("https://a.example/{}?secret", "ä".repeat(500))).unwrap();
        let description = RequestDescription::new("Forge", Method::GET, &url, Duration::ZERO);
        assert!(
            description.quoted().len() < 250 && !description.quoted().contains("secret"),
            "{}",
            description.quoted()
        );
    }
}
