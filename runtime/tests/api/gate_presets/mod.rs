//! Presets: tokens in the shape of each product are accepted, and those that look alike are not.
//!
//! `cargo matrices` prints the matrix, and with `BLESS=1` writes it into `docs/identity.md`.

mod near_misses;
mod page;
mod shapes;

use serde_json::{Value, json};
use toolgate::gate::{AuthError, Claims, Jwt, Verifier as _};

use self::{
    near_misses::{Applied, NEAR_MISSES},
    shapes::Shape,
};
use crate::issuer::{self, KEYS, NOW, RESOURCE, clock, verify, with};

/// The scope of the tool that is called.
const SCOPE: &str = "orders:read";

/// The fewest near misses of a preset.
const MIN_NEAR_MISSES: usize = 15;

impl Shape {
    fn verifier(&self) -> Jwt {
        (self.preset)().unwrap().fixed_keys(&KEYS.set()).unwrap().clock(clock())
    }

    /// The header and the claims of a good token with these changes, `null` for what is left out.
    fn parts(&self, header: &Value, claims: &Value) -> (String, String) {
        let times = json!({ "iat": NOW, "exp": NOW + 300 });
        let good = with(self.claims.clone(), times);
        (
            with(self.header.clone(), header.clone()).to_string(),
            with(good, claims.clone()).to_string(),
        )
    }

    fn token(&self, header: &Value, claims: &Value) -> String {
        let (header, claims) = self.parts(header, claims);
        (self.key)().sign(&header, &claims)
    }
}

/// How a token was judged: the code with which it is refused, or `None` if it may call the tool.
fn refused(judged: &Result<Claims, AuthError>) -> Option<&'static str> {
    match judged {
        Ok(claims) if claims.has(SCOPE) => None,
        Ok(_) => Some("insufficient_scope"),
        Err(error) => Some(error.code()),
    }
}

#[tokio::test]
async fn tokens_in_the_shape_of_each_product_are_accepted() {
    for shape in shapes::all() {
        let verifier = shape.verifier();
        let name = shape.name;
        let person = verify(&verifier, &shape.token(&json!({}), &json!({}))).await;
        assert_eq!(refused(&person), None, "{name}: {person:?}");
        let person = person.unwrap();
        assert!(!person.is_client_credentials(), "{name}: a person");
        assert_eq!(person.subject(), shape.claims["sub"].as_str().unwrap(), "{name}");
        for (good, header, claims) in &shape.good {
            let judged = verify(&verifier, &shape.token(header, claims)).await;
            assert_eq!(refused(&judged), None, "{name}: {good}: {judged:?}");
        }
        if let Some(machine) = &shape.machine {
            let judged = verify(&verifier, &shape.token(&json!({}), machine)).await;
            assert_eq!(refused(&judged), None, "{name}: a machine: {judged:?}");
            assert!(judged.unwrap().is_client_credentials(), "{name}: a machine is one");
        }
    }
}

#[tokio::test]
async fn near_misses_of_each_preset_are_refused() {
    for shape in shapes::all() {
        let verifier = shape.verifier();
        let mut count = 0;
        for near_miss in NEAR_MISSES {
            let Applied::Token(token) = (near_miss.apply)(&shape) else { continue };
            count += 1;
            let judged = verify(&verifier, &token).await;
            let (name, of) = (near_miss.name, shape.name);
            let code = refused(&judged).unwrap_or_else(|| panic!("{of}: {name} is accepted"));
            assert!(near_miss.codes.contains(&code), "{of}: {name}: {code}: {judged:?}");
        }
        for near_miss in &shape.near_misses {
            count += 1;
            let token = shape.token(&near_miss.header, &near_miss.claims);
            let judged = verify(&verifier, &token).await;
            assert!(judged.is_err(), "{}: {}: {judged:?}", shape.name, near_miss.name);
        }
        assert!(count >= MIN_NEAR_MISSES, "{}: {count} near misses", shape.name);
    }
}

#[tokio::test]
async fn a_refusal_says_what_to_set_at_the_product() {
    for shape in shapes::all() {
        let verifier = shape.verifier();
        let (header, claims) = &shape.id_token;
        for (what, token) in [
            ("an ID token", shape.token(header, claims)),
            ("another audience", shape.token(&json!({}), &json!({ "aud": shape.other_audience }))),
        ] {
            let error = verify(&verifier, &token).await.unwrap_err();
            let hint = verifier.hint(&error, RESOURCE);
            if what == "another audience" || hint.is_some() {
                let hint = hint.unwrap_or_else(|| panic!("{}: {what}: {error}", shape.name));
                assert!(hint.contains(": ") && !hint.contains('{'), "{}: {hint}", shape.name);
                assert!(!error.to_string().contains(&hint), "callers are not sent it");
            }
        }
        assert!(!verifier.host_notes().is_empty(), "{}", shape.name);
    }
    let keycloak = shapes::all().into_iter().find(|shape| shape.name == "keycloak").unwrap();
    let token = keycloak.token(&json!({}), &json!({ "aud": null }));
    let error = verify(&keycloak.verifier(), &token).await.unwrap_err();
    let hint = keycloak.verifier().hint(&error, RESOURCE).unwrap();
    assert!(
        hint.starts_with("Keycloak: the token names no audience: add an audience mapper"),
        "{hint}"
    );
    assert!(hint.contains(RESOURCE), "{hint}");
    assert_eq!(keycloak.verifier().hint(&AuthError::Missing, RESOURCE), None);
    let plain = toolgate::gate::keys(issuer::ISSUER, &KEYS.set()).unwrap();
    assert_eq!(plain.hint(&error, RESOURCE), None);
}

#[test]
fn arguments_that_would_make_another_issuer_are_refused() {
    use toolgate::gate;
    let guid = "72f988bf-86f1-41af-91ab-2d7cd011db47";
    let none: [&str; 0] = [];
    for (name, is_refused) in [
        ("a tenant for all", gate::entra("common", guid).is_err()),
        ("a tenant by name", gate::entra("acme.onmicrosoft.com", guid).is_err()),
        ("an application by name", gate::entra(guid, "tools").is_err()),
        ("a path in the domain", gate::auth0("acme.auth0.com/x").is_err()),
        ("a user in the domain", gate::auth0("acme.auth0.com@evil.example").is_err()),
        ("a realm with a path", gate::keycloak("https://sso.example", "acme/../master").is_err()),
        ("plain http", gate::keycloak("http://sso.example", "acme").is_err()),
        ("no clients", gate::cognito("eu-west-1", "eu-west-1_A", none).is_err()),
        ("an empty client", gate::clerk("clerk.acme.example", [""]).is_err()),
        ("a pool of another region", gate::cognito("us-east-1", "eu-west-1_A", ["c"]).is_err()),
        ("a query", gate::better_auth("https://app.example/api/auth?x").is_err()),
        ("a project with a path", gate::zitadel("https://acme.zitadel.cloud", "1/2").is_err()),
    ] {
        assert!(is_refused, "{name}");
    }
}
