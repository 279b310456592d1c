//! Metadata of the protected resource (RFC 9728).

use reqwest::header::ACCESS_CONTROL_ALLOW_ORIGIN;
use serde_json::Value;
use url::Url;

use super::{examination::Examination, rules::access};
use crate::remote::{
    http::Answer,
    text::{listed, quoted},
    well_known,
};

/// What the metadata says.
pub(super) struct Resource {
    pub(super) identifier: String,
    pub(super) issuers: Vec<String>,
    pub(super) scopes: Vec<String>,
    /// Whether the challenge or the metadata names the scopes for a first use.
    pub(super) names_scopes: bool,
}

/// A document, and where it is.
struct Found {
    place: Url,
    document: Value,
    answer: Answer,
}

pub(super) async fn examine(
    exam: &mut Examination,
    named: Option<&Url>,
    challenge_has_scope: bool,
) -> Option<Resource> {
    let found = find(exam, named).await;
    let Found { place, document, answer } = found.first()?;
    exam.report.ok(&access::METADATA, place.as_str());
    content_type(exam, answer);
    places(exam, &found);
    let identifier = identifier(exam, document);
    let issuers = issuers(exam, document);
    let scopes = texts(&document["scopes_supported"]);
    methods(exam, &document["bearer_methods_supported"]);
    let offline = scopes.iter().any(|scope| scope == "offline_access");
    let seen = if offline { Err("it is there".to_owned()) } else { Ok("no".to_owned()) };
    exam.report.judge(&access::METADATA_OFFLINE, seen);
    match (challenge_has_scope, scopes.is_empty()) {
        (true, _) => exam.report.ok(&access::CHALLENGE_SCOPE, "in the challenge"),
        (_, false) => exam.report.ok(&access::CHALLENGE_SCOPE, listed(&scopes)),
        // Only the authorization server knows whether there are any scopes.
        (false, true) => {}
    }
    if exam.has_cors {
        let allowed = answer.header(ACCESS_CONTROL_ALLOW_ORIGIN);
        let seen = allowed.map(str::to_owned).ok_or_else(|| "no header".to_owned());
        exam.report.judge(&access::METADATA_CORS, seen);
    }
    let names_scopes = challenge_has_scope || !scopes.is_empty();
    Some(Resource { identifier, issuers, scopes, names_scopes })
}

/// The documents, in the order in which hosts look for them.
async fn find(exam: &mut Examination, named: Option<&Url>) -> Vec<Found> {
    let mut places: Vec<Url> = named.cloned().into_iter().collect();
    for place in well_known::resource_places(&exam.endpoint) {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    let (mut found, mut missed) = (Vec::new(), Vec::new());
    for place in places {
        let is_named = named == Some(&place);
        let answer = match exam.http.get(&place).await {
            Ok(answer) => answer,
            Err(failure) => {
                missed.push((is_named, format!("{}: {failure}", place.path())));
                continue;
            }
        };
        let document = answer.json().filter(|json| answer.is_success() && json.is_object());
        match document {
            Some(document) => found.push(Found { place, document, answer }),
            None => missed.push((is_named, format!("{}: {}", place.path(), answer.summary()))),
        }
    }
    if let Some((_, miss)) = missed.iter().find(|(is_named, _)| *is_named) {
        exam.report.violated(&access::METADATA, format!("the challenge names {miss}"));
    } else if found.is_empty() {
        let missed: Vec<_> = missed.into_iter().map(|(_, miss)| miss).collect();
        exam.report.violated(&access::METADATA, missed.join("; "));
    }
    found
}

fn content_type(exam: &mut Examination, answer: &Answer) {
    let kind = answer.media_type();
    let is_json = kind == "application/json" || kind.ends_with("+json");
    exam.report.judge(&access::METADATA_TYPE, if is_json { Ok(kind) } else { Err(kind) });
}

fn places(exam: &mut Examination, found: &[Found]) {
    let (first, others) = (&found[0], &found[1..]);
    match others.iter().find(|other| other.document != first.document) {
        Some(other) => {
            let seen = format!("{} has another than {}", other.place.path(), first.place.path());
            exam.report.violated(&access::METADATA_PLACES, seen);
        }
        None => {
            let paths: Vec<_> = found.iter().map(|found| found.place.path().to_owned()).collect();
            exam.report.ok(&access::METADATA_PLACES, paths.join(", "));
        }
    }
}

/// The identifier of the resource, compared with the URL.
fn identifier(exam: &mut Examination, document: &Value) -> String {
    let Some(resource) = document["resource"].as_str() else {
        exam.report.violated(&access::METADATA_RESOURCE, "there is no `resource`");
        return exam.endpoint.to_string();
    };
    let endpoint =
        if exam.options.is_started_here { &exam.endpoint } else { &exam.options.endpoint };
    let Ok(url) = Url::parse(resource) else {
        exam.report.violated(&access::METADATA_RESOURCE, format!("{} is no URL", quoted(resource)));
        return resource.to_owned();
    };
    let is_same_origin = exam.options.is_started_here || url.origin() == endpoint.origin();
    let (path, of_endpoint) = (url.path(), endpoint.path());
    let is_above = of_endpoint
        .strip_prefix(path.trim_end_matches('/'))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if !is_same_origin
        || url.fragment().is_some()
        || !is_above && path.trim_end_matches('/') != of_endpoint.trim_end_matches('/')
    {
        let seen = format!("{} where the URL is {endpoint}", quoted(resource));
        exam.report.violated(&access::METADATA_RESOURCE, seen);
    } else if path == of_endpoint
        || path == "/"
        || !path.ends_with('/') && !of_endpoint.ends_with('/')
    {
        exam.report.ok(&access::METADATA_RESOURCE, resource);
    } else {
        let seen = format!("{} and {endpoint} differ by a slash at the end", quoted(resource));
        exam.report.warning(&access::METADATA_RESOURCE, seen);
    }
    resource.to_owned()
}

fn issuers(exam: &mut Examination, document: &Value) -> Vec<String> {
    let issuers = texts(&document["authorization_servers"]);
    let seen = match issuers.iter().find(|issuer| Url::parse(issuer).is_err()) {
        _ if issuers.is_empty() => Err("none".to_owned()),
        Some(issuer) => Err(format!("{} is no URL", quoted(issuer))),
        None => Ok(listed(&issuers)),
    };
    exam.report.judge(&access::METADATA_ISSUERS, seen);
    issuers
}

fn methods(exam: &mut Examination, methods: &Value) {
    if !methods.is_array() {
        return exam.report.ok(&access::METADATA_METHODS, "not listed");
    }
    let methods = texts(methods);
    let is_good = methods.iter().any(|method| method == "header")
        && methods.iter().all(|method| method != "query");
    let seen = listed(&methods);
    exam.report.judge(&access::METADATA_METHODS, if is_good { Ok(seen) } else { Err(seen) });
}

/// The texts of a list.
pub(super) fn texts(list: &Value) -> Vec<String> {
    let items = list.as_array().into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}
