//! Metadata of an authorization server (RFC 8414, `OpenID` Connect Discovery).

use reqwest::header::ACCESS_CONTROL_ALLOW_ORIGIN;
use serde_json::Value;
use url::Url;

use super::{
    examination::Examination,
    resource::{Resource, texts},
    rules::{access, issuer},
};
use crate::remote::{
    text::{listed, quoted},
    well_known::{self, is_loopback},
};

/// The metadata, if there is any.
pub(super) async fn examine(
    exam: &mut Examination,
    identifier: &str,
    resource: &Resource,
) -> Option<Value> {
    let metadata = find(exam, identifier).await?;
    identity(exam, identifier, &metadata);
    https(exam, identifier, &metadata);
    let missing: Vec<_> = ["authorization_endpoint", "token_endpoint"]
        .into_iter()
        .filter(|name| metadata[*name].as_str().and_then(|url| Url::parse(url).ok()).is_none())
        .collect();
    let seen = if missing.is_empty() {
        Ok("both".to_owned())
    } else {
        Err(format!("no {}", missing.join(", ")))
    };
    exam.report.judge(&issuer::ENDPOINTS, seen);
    grants(exam, &metadata);
    pkce(exam, &metadata);
    let iss = metadata["authorization_response_iss_parameter_supported"] == true;
    let seen = if iss { Ok("sent".to_owned()) } else { Err("not announced".to_owned()) };
    exam.report.judge(&issuer::ISS, seen);
    registration(exam, &metadata);
    let methods = &metadata["token_endpoint_auth_methods_supported"];
    let methods =
        if methods.is_array() { texts(methods) } else { vec!["client_secret_basic".to_owned()] };
    let seen = listed(&methods);
    let is_public = methods.iter().any(|method| method == "none");
    exam.report.judge(&issuer::AUTH_METHODS, if is_public { Ok(seen) } else { Err(seen) });
    scopes(exam, &metadata, resource);
    Some(metadata)
}

async fn find(exam: &mut Examination, identifier: &str) -> Option<Value> {
    // A malformed URL was reported with the metadata of the resource.
    let url = Url::parse(identifier).ok()?;
    let mut missed = Vec::new();
    for place in well_known::issuer_places(&url) {
        let answer = match exam.http.get(&place).await {
            Ok(answer) => answer,
            Err(failure) => {
                missed.push(format!("{}: {failure}", place.path()));
                continue;
            }
        };
        let document = answer.json().filter(|json| answer.is_success() && json.is_object());
        let Some(document) = document else {
            missed.push(format!("{}: {}", place.path(), answer.summary()));
            continue;
        };
        let redirected = if answer.via.is_empty() {
            String::new()
        } else {
            format!(", redirected to {}", answer.url)
        };
        exam.report.ok(&issuer::METADATA, format!("{place}{redirected}"));
        if exam.has_cors {
            let allowed = answer.header(ACCESS_CONTROL_ALLOW_ORIGIN);
            let seen = allowed.map(str::to_owned).ok_or_else(|| "no header".to_owned());
            exam.report.judge(&issuer::CORS, seen);
        }
        return Some(document);
    }
    exam.report.violated(&issuer::METADATA, format!("{identifier}: {}", missed.join("; ")));
    None
}

fn identity(exam: &mut Examination, expected: &str, metadata: &Value) {
    let found = metadata["issuer"].as_str().unwrap_or_default();
    if found == expected {
        return exam.report.ok(&issuer::IDENTITY, found);
    }
    let seen = format!("{} where the resource names {}", quoted(found), quoted(expected));
    if found.trim_end_matches('/') == expected.trim_end_matches('/') {
        exam.report.warning(&issuer::IDENTITY, seen);
    } else {
        exam.report.violated(&issuer::IDENTITY, seen);
    }
}

fn https(exam: &mut Examination, identifier: &str, metadata: &Value) {
    let endpoints =
        ["authorization_endpoint", "token_endpoint", "registration_endpoint", "jwks_uri"];
    let mut urls = vec![identifier];
    urls.extend(endpoints.iter().filter_map(|name| metadata[*name].as_str()));
    let is_bare = |url: &&&str| {
        Url::parse(url).is_ok_and(|url| url.scheme() != "https" && !is_loopback(&url))
    };
    let seen = match urls.iter().find(is_bare) {
        Some(url) => Err(quoted(url)),
        None => Ok("all of them".to_owned()),
    };
    exam.report.judge(&issuer::HTTPS, seen);
}

fn grants(exam: &mut Examination, metadata: &Value) {
    let (types, grants) =
        (&metadata["response_types_supported"], &metadata["grant_types_supported"]);
    let has = |list: &Value, value: &str| texts(list).iter().any(|item| item == value);
    let seen = if !has(types, "code") {
        Err(format!("response types: {}", listed(&texts(types))))
    } else if grants.is_array() && !has(grants, "authorization_code") {
        Err(format!("grant types: {}", listed(&texts(grants))))
    } else {
        Ok("both".to_owned())
    };
    exam.report.judge(&issuer::CODE, seen);
    let seen = if !grants.is_array() {
        Ok("not listed".to_owned())
    } else if has(grants, "refresh_token") {
        Ok("refresh_token".to_owned())
    } else {
        Err(listed(&texts(grants)))
    };
    exam.report.judge(&issuer::REFRESH, seen);
}

fn pkce(exam: &mut Examination, metadata: &Value) {
    let methods = texts(&metadata["code_challenge_methods_supported"]);
    let seen = if methods.is_empty() { "no method".to_owned() } else { listed(&methods) };
    let is_good = methods.iter().any(|method| method == "S256");
    exam.report.judge(&issuer::PKCE, if is_good { Ok(seen) } else { Err(seen) });
}

fn registration(exam: &mut Examination, metadata: &Value) {
    let documents = metadata["client_id_metadata_document_supported"] == true;
    let seen = match (documents, metadata["registration_endpoint"].is_string()) {
        (true, true) => Ok("client documents and dynamic registration"),
        (true, false) => Ok("client documents"),
        (false, true) => Ok("dynamic registration"),
        (false, false) => Err("hosts cannot register themselves"),
    };
    exam.report.judge(&issuer::REGISTRATION, seen.map(str::to_owned).map_err(str::to_owned));
}

/// Scopes of `OpenID` Connect, and of refresh tokens, which belong to no resource.
const OF_OPENID: [&str; 6] = ["openid", "profile", "email", "address", "phone", "offline_access"];

fn scopes(exam: &mut Examination, metadata: &Value, resource: &Resource) {
    let (known, scopes) = (texts(&metadata["scopes_supported"]), &resource.scopes);
    let has_own = known.iter().any(|scope| !OF_OPENID.contains(&scope.as_str()));
    if !resource.names_scopes && has_own {
        let seen = format!("none, and the authorization server has {}", listed(&known));
        exam.report.violated(&access::CHALLENGE_SCOPE, seen);
    }
    if known.is_empty() || scopes.is_empty() {
        return exam.report.skipped(&issuer::SCOPES, "one of the two names none");
    }
    let unknown: Vec<_> = scopes.iter().filter(|scope| !known.contains(scope)).cloned().collect();
    let seen = if unknown.is_empty() {
        Ok(listed(scopes))
    } else {
        Err(format!("it does not know {}", listed(&unknown)))
    };
    exam.report.judge(&issuer::SCOPES, seen);
}
