//! What holds of whatever is sent: made up by a machine, `PROPTEST_CASES` of each.

use std::sync::LazyLock;

use crate::issuer::{self, ISSUER, KEYS, RESOURCE, clock, verify};
use http::{HeaderMap, HeaderValue, Uri};
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use toolgate::gate::{Credentials, Jwt, keys};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
static VERIFIER: LazyLock<Jwt> =
    LazyLock::new(|| keys(ISSUER, &KEYS.set()).unwrap().clock(clock()));
static GOOD: LazyLock<String> = LazyLock::new(|| KEYS.token(json!({})));

fn accepts(token: &str) -> bool {
    RUNTIME.block_on(verify(&*VERIFIER, token)).is_ok()
}

/// Any JSON, not too deep.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(Value::from(ISSUER)),
        Just(Value::from(RESOURCE)),
        Just(Value::from(issuer::NOW)),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(".{0,6}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn a_header_is_a_token_or_a_clear_refusal(bytes: Vec<u8>, query in "[ -~]{0,40}") {
        let Ok(value) = HeaderValue::from_bytes(&bytes) else { return Ok(()) };
        let mut headers = HeaderMap::new();
        headers.insert("authorization", value);
        let uri = format!("/mcp?{query}").parse().unwrap_or(Uri::from_static("/mcp"));
        if let Ok(Some(credentials)) = Credentials::read(&headers, &uri) {
            let fits = |c: char| c.is_ascii_alphanumeric() || "-._~+/=".contains(c);
            prop_assert!(!credentials.token().is_empty());
            prop_assert!(credentials.token().chars().all(fits));
            prop_assert!(!query.split('&').any(|pair| pair.starts_with("access_token=")));
        }
    }

    #[test]
    fn what_was_not_signed_is_not_accepted(token in "[A-Za-z0-9._~+/-]{1,200}") {
        prop_assert!(!accepts(&token));
    }

    #[test]
    fn one_character_more_less_or_other_and_it_is_no_token(at in 0usize..400, with in "[A-Za-z0-9_.-]") {
        let good = &*GOOD;
        let at = at % good.len();
        let other = format!("{}{with}{}", &good[..at], &good[at + 1..]);
        prop_assert_eq!(accepts(&other), other == *good);
        let longer = format!("{}{with}{}", &good[..at], &good[at..]);
        let shorter = format!("{}{}", &good[..at], &good[at + 1..]);
        prop_assert!(!accepts(&longer) && !accepts(&shorter));
    }

    #[test]
    fn a_signed_body_of_any_shape_is_accepted_only_if_it_is_for_us(
        iss in any_json(), aud in any_json(), exp in any_json(), sub in any_json(), scope in any_json(),
    ) {
        let body = json!({ "iss": iss, "aud": aud, "exp": exp, "sub": sub, "scope": scope });
        let token = KEYS.es256.sign(&issuer::header(json!({})), &body.to_string());
        if accepts(&token) {
            prop_assert_eq!(&iss, &json!(ISSUER));
            let named = aud == json!(RESOURCE)
                || aud.as_array().is_some_and(|all| all.contains(&json!(RESOURCE)));
            prop_assert!(named, "{}", aud);
            prop_assert!(exp.is_number() && sub.is_string());
        }
    }

    #[test]
    fn a_signed_header_of_any_shape_is_accepted_only_if_it_is_ours(header in any_json()) {
        let body = issuer::claims(json!({})).to_string();
        let token = KEYS.es256.sign(&header.to_string(), &body);
        prop_assert!(!accepts(&token), "{}", header);
    }
}
