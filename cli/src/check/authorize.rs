//! Authorization and token endpoints, as far as they answer an unknown client.

use reqwest::Method;
use serde_json::Value;
use url::Url;

use super::{examination::Examination, rules::issuer};
use crate::remote::http::{Answer, Failure, Read};

/// A client that no authorization server knows.
const UNKNOWN_CLIENT: &str = "toolgate-check-unknown-client";

/// An address that does not exist (RFC 6761 §6.4).
pub(super) const FOREIGN: &str = "https://toolgate-check.invalid/callback";

/// A verifier and its challenge (RFC 7636, Appendix B).
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// The most redirects that are followed on the way to a sign-in page.
const MAX_HOPS: usize = 3;

pub(super) async fn examine(exam: &mut Examination, metadata: &Value) {
    match asked(exam, metadata, UNKNOWN_CLIENT, FOREIGN).await {
        None => exam.report.skipped(&issuer::OPEN_REDIRECT, "it does not answer"),
        Some(Visit { redirected_to: Some(target), .. }) if leads_to(&target, FOREIGN) => {
            exam.report.violated(&issuer::OPEN_REDIRECT, format!("to {}", without_query(&target)));
        }
        Some(visit) => exam.report.ok(&issuer::OPEN_REDIRECT, visit.status.to_string()),
    }
    token_errors(exam, metadata).await;
}

/// Where an authorization request leads.
pub(super) struct Visit {
    pub(super) status: u16,
    /// The last redirect, which is not followed if it leaves the authorization server.
    pub(super) redirected_to: Option<Url>,
}

/// Opens the authorization endpoint as a browser does.
pub(super) async fn asked(
    exam: &Examination,
    metadata: &Value,
    client: &str,
    redirect_uri: &str,
) -> Option<Visit> {
    let mut url = Url::parse(metadata["authorization_endpoint"].as_str()?).ok()?;
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", client)
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("state", "toolgate-check")
        .append_pair("code_challenge", CHALLENGE)
        .append_pair("code_challenge_method", "S256")
        .append_pair("resource", exam.options.endpoint.as_str());
    let origin = url.origin();
    let mut redirected_to = None;
    for _ in 0..=MAX_HOPS {
        let answer = exam.http.send(exam.http.request(Method::GET, &url), Read::Headers).await;
        let answer = answer.ok()?;
        let Some(target) = answer.redirect() else {
            return Some(Visit { status: answer.status, redirected_to });
        };
        let leaves = target.origin() != origin;
        redirected_to = Some(target.clone());
        if leaves {
            return Some(Visit { status: answer.status, redirected_to });
        }
        url = target;
    }
    Some(Visit { status: 302, redirected_to })
}

/// Whether a redirect goes to this URI.
pub(super) fn leads_to(target: &Url, uri: &str) -> bool {
    Url::parse(uri).is_ok_and(|uri| {
        (uri.origin(), uri.path()) == (target.origin(), target.path())
            && uri.scheme() == target.scheme()
    })
}

/// The URL without what may be a code.
pub(super) fn without_query(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}

async fn token_errors(exam: &mut Examination, metadata: &Value) {
    let endpoint = metadata["token_endpoint"].as_str().and_then(|url| Url::parse(url).ok());
    let Some(endpoint) = endpoint else { return };
    let form = [
        ("grant_type", "authorization_code"),
        ("code", "toolgate-check-unknown-code"),
        ("client_id", UNKNOWN_CLIENT),
        ("redirect_uri", FOREIGN),
        ("code_verifier", VERIFIER),
    ];
    let request = exam.http.request(Method::POST, &endpoint).form(&form);
    let answer: Result<Answer, Failure> = exam.http.send(request, Read::Message).await;
    let answer = match answer {
        Ok(answer) if answer.status == 429 => {
            return exam.report.skipped(&issuer::TOKEN_ERRORS, "429: it wants to be asked later");
        }
        Ok(answer) => answer,
        Err(failure) => return exam.report.violated(&issuer::TOKEN_ERRORS, failure.to_string()),
    };
    let error = answer.json().and_then(|json| json["error"].as_str().map(str::to_owned));
    let seen = match error {
        Some(error) if matches!(answer.status, 400 | 401) => {
            Ok(format!("{} {error}", answer.status))
        }
        _ => Err(answer.summary()),
    };
    exam.report.judge(&issuer::TOKEN_ERRORS, seen);
}
