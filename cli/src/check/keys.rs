//! Keys of an authorization server (RFC 7517).

use serde_json::Value;
use url::Url;

use super::{examination::Examination, rules::issuer};

/// Members that only private keys have (RFC 7518 §6).
const PRIVATE: [&str; 4] = ["d", "p", "q", "k"];

/// The identifier of the first key.
pub(super) async fn examine(exam: &mut Examination, metadata: &Value) -> Option<String> {
    let Some(uri) = metadata["jwks_uri"].as_str() else {
        exam.report.skipped(&issuer::KEYS, "no jwks_uri: its tokens are verified otherwise");
        return None;
    };
    let Ok(url) = Url::parse(uri) else {
        exam.report.violated(&issuer::KEYS, format!("{uri} is no URL"));
        return None;
    };
    let answer = match exam.http.get(&url).await {
        Ok(answer) => answer,
        Err(failure) => {
            exam.report.violated(&issuer::KEYS, format!("{url}: {failure}"));
            return None;
        }
    };
    let document = answer.json().filter(|_| answer.is_success()).unwrap_or_default();
    let Some(keys) = document["keys"].as_array().filter(|keys| !keys.is_empty()) else {
        // The body is not printed, because it may be a private key.
        let seen =
            if answer.is_success() { "no keys".to_owned() } else { answer.status.to_string() };
        exam.report.violated(&issuer::KEYS, format!("{url}: {seen}"));
        return None;
    };
    let count = keys.len();
    exam.report.ok(&issuer::KEYS, format!("{count} {}", if count == 1 { "key" } else { "keys" }));
    let private =
        keys.iter().filter(|key| PRIVATE.iter().any(|name| !key[*name].is_null())).count();
    let seen = match private {
        0 => Ok("public keys alone".to_owned()),
        count => Err(format!("{count} with their private part")),
    };
    exam.report.judge(&issuer::PRIVATE_KEYS, seen);
    keys.iter().find_map(|key| key["kid"].as_str().map(str::to_owned))
}
