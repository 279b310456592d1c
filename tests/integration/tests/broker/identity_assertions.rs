//! Identity assertions of an organization's identity provider (ID-JAG): what becomes of them, and what
//! is refused.

use std::time::UNIX_EPOCH;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use forge::Config;
use integration::broker::{Application, Site, Walk};
use serde_json::{Value, json};
use toolgate::{
    broker::{BrokerBuilder, IdentityProvider},
    grant::Clock as _,
    testing::Issuer,
};

const IDP: &str = "https://acme.idp.example";
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// A broker that trusts an identity provider, which knows accounts at the provider of its own people.
struct Organization {
    site: Site,
    application: Application,
    keys: SigningKey,
}

/// The key of the identity provider. The tests' issuer signs access tokens alone.
struct SigningKey(aws_lc_rs::signature::EcdsaKeyPair, Value);

impl SigningKey {
    fn new() -> Self {
        use aws_lc_rs::{
            encoding::{AsBigEndian, EcPublicKeyUncompressedBin},
            signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
        };
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let point: EcPublicKeyUncompressedBin<'_> = pair.public_key().as_be_bytes().unwrap();
        let (x, y) = point.as_ref()[1..].split_at(32);
        let part = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let jwk = json!({
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "acme",
            "x": part(x), "y": part(y),
        });
        Self(pair, jwk)
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let random = aws_lc_rs::rand::SystemRandom::new();
        let signature = self.0.sign(&random, message.as_bytes()).unwrap();
        format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }
}

impl Organization {
    async fn start() -> Self {
        let keys = SigningKey::new();
        let set = serde_json::from_value(json!({ "keys": [keys.1] })).unwrap();
        let site = Site::with(Config::default(), move |broker| {
            let acme = IdentityProvider::new(IDP, |assertion| {
                let account = assertion.claim("forge_login")?.as_str()?;
                assertion.subject().starts_with('U').then(|| account.to_owned())
            });
            broker.identity_provider(acme.keys(&set))
        })
        .await;
        let application = Application::register(&site).await;
        Self { site, application, keys }
    }

    fn header() -> Value {
        json!({ "alg": "ES256", "typ": "oauth-id-jag+jwt", "kid": "acme" })
    }

    /// The claims of a good assertion, each with a `jti` of its own.
    fn claims(&self) -> Value {
        static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let now = self.now();
        json!({
            "iss": IDP, "sub": "U019488227", "aud": self.site.url, "resource": self.site.resource,
            "client_id": self.application.id, "scope": "repo:read repo:write",
            "iat": now, "exp": now + 300, "forge_login": "alice",
            "jti": NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed).to_string(),
        })
    }

    /// The time by the clock of the broker: it stands still, however long a test takes.
    fn now(&self) -> u64 {
        self.site.clock.now().duration_since(UNIX_EPOCH).unwrap().as_secs()
    }

    async fn present(&self, assertion: &str, scope: Option<&str>) -> Walk {
        let mut form = vec![("grant_type", JWT_BEARER), ("assertion", assertion)];
        form.extend(scope.map(|scope| ("scope", scope)));
        self.application.post("token", &form).await
    }

    async fn present_claims(&self, claims: &Value) -> Walk {
        self.present(&self.keys.sign(&Self::header(), claims), None).await
    }

    async fn refused(&self, what: &str, assertion: &str) {
        let answer = self.present(assertion, None).await;
        assert_eq!(
            (answer.status.as_u16(), answer.error()),
            (400, Some("invalid_grant")),
            "{what}"
        );
        assert!(answer.body["access_token"].is_null(), "{what}");
    }
}

#[tokio::test]
async fn an_assertion_becomes_an_access_token() {
    let acme = Organization::start().await;
    let answer = acme.present_claims(&acme.claims()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.cache_control, "no-store");
    let claims = answer.claims();
    assert_eq!(claims["sub"], "forge:alice");
    assert_eq!(claims["client_id"], *acme.application.id);
    assert_eq!(claims["aud"], *acme.site.resource);
    assert_eq!(claims["scope"], "repo:read repo:write");
    assert!(answer.body["refresh_token"].is_null(), "the identity provider is asked again");
}

#[tokio::test]
async fn scopes_are_those_of_both() {
    let acme = Organization::start().await;
    let present = async |asserted: Option<&str>, requested| {
        let mut claims = acme.claims();
        claims["scope"] = json!(asserted);
        acme.present(&acme.keys.sign(&Organization::header(), &claims), requested).await
    };
    let both = present(Some("repo:read repo:write"), Some("repo:read repo:admin")).await;
    assert_eq!(both.body["scope"], "repo:read", "{}", both.body);
    let unknown = present(Some("repo:read openid"), None).await;
    assert_eq!(unknown.body["scope"], "repo:read");
    let none = present(None, None).await;
    assert_eq!((none.status.as_u16(), &none.body["scope"]), (200, &json!("")));
    for (asserted, requested) in [(Some("repo:read"), "repo:write"), (None, "repo:read")] {
        let refused = present(asserted, Some(requested)).await;
        assert_eq!(refused.error(), Some("invalid_scope"), "{asserted:?} {requested}");
    }
}

#[tokio::test]
async fn an_assertion_is_used_once() {
    let acme = Organization::start().await;
    let assertion = acme.keys.sign(&Organization::header(), &acme.claims());
    assert_eq!(acme.present(&assertion, None).await.status, 200);
    acme.refused("again", &assertion).await;
    // A signature may be written in another way; the identifier is the same.
    let claims = acme.claims();
    let signed = || acme.keys.sign(&Organization::header(), &claims);
    assert_eq!(acme.present(&signed(), None).await.status, 200);
    acme.refused("signed again", &signed()).await;
}

#[tokio::test]
async fn what_is_wrong_about_an_assertion_is_refused() {
    let acme = Organization::start().await;
    let other = Application::register(&acme.site).await;
    let now = acme.now();
    let wrong: Vec<(&str, &str, Value)> = vec![
        ("another issuer", "iss", json!("https://evil.example")),
        ("an issuer with a slash", "iss", json!(format!("{IDP}/"))),
        ("no issuer", "iss", Value::Null),
        ("another audience", "aud", json!("https://other.example")),
        ("the resource as the audience", "aud", json!(acme.site.resource)),
        ("two audiences", "aud", json!([acme.site.url, "https://other.example"])),
        ("no audience", "aud", json!([])),
        ("another client", "client_id", json!(other.id)),
        ("no client", "client_id", Value::Null),
        ("another resource", "resource", json!("https://other.example/mcp")),
        ("a resource that is no text", "resource", json!(7)),
        ("no resource in a list", "resource", json!([])),
        ("no subject", "sub", Value::Null),
        ("an empty subject", "sub", json!("")),
        ("a person of another directory", "sub", json!("X1")),
        ("an unknown account", "forge_login", Value::Null),
        ("an empty account", "forge_login", json!("")),
        ("an account with a line break", "forge_login", json!("alice\n")),
        ("expired", "exp", json!(now - 100)),
        ("no end", "exp", Value::Null),
        ("good for a day", "exp", json!(now + 86_400)),
        ("issued in the future", "iat", json!(now + 600)),
        ("no time of issue", "iat", Value::Null),
        ("not valid yet", "nbf", json!(now + 600)),
        ("no identifier", "jti", Value::Null),
        ("an empty identifier", "jti", json!("")),
        ("an endless identifier", "jti", json!("x".repeat(300))),
    ];
    for (what, claim, value) in wrong {
        let mut claims = acme.claims();
        claims[claim] = value;
        acme.refused(what, &acme.keys.sign(&Organization::header(), &claims)).await;
    }
    let headers: [(&str, &str, Value); 8] = [
        ("an access token", "typ", json!("at+jwt")),
        ("an ID token", "typ", json!("JWT")),
        ("no type", "typ", Value::Null),
        ("no algorithm", "alg", json!("none")),
        ("a symmetric algorithm", "alg", json!("HS256")),
        ("another algorithm", "alg", json!("RS256")),
        ("another key", "kid", json!("other")),
        ("a critical header", "crit", json!(["b64"])),
    ];
    for (what, name, value) in headers {
        let mut header = Organization::header();
        header[name] = value;
        acme.refused(what, &acme.keys.sign(&header, &acme.claims())).await;
    }
    let stranger = SigningKey::new();
    acme.refused("another key", &stranger.sign(&Organization::header(), &acme.claims())).await;
    let good = acme.keys.sign(&Organization::header(), &acme.claims());
    let unsigned = good.rsplit_once('.').unwrap().0;
    for broken in ["", ".", "..", "x.y.z", &format!("{unsigned}."), &format!("{good}.x")] {
        if !broken.is_empty() {
            acme.refused(broken, broken).await;
        }
    }
    let token = Issuer::new().token("alice").to_string();
    acme.refused("an access token of another issuer", &token).await;
    assert_eq!(acme.present(&good, None).await.status, 200, "what was refused has spent nothing");
}

#[tokio::test]
async fn the_metadata_names_the_profile() {
    let acme = Organization::start().await;
    let metadata = acme.site.broker.metadata();
    assert_eq!(metadata["grant_types_supported"][2], JWT_BEARER);
    let profile = "urn:ietf:params:oauth:grant-profile:id-jag";
    assert_eq!(metadata["authorization_grant_profiles_supported"], json!([profile]));
}

#[tokio::test]
async fn without_an_identity_provider_there_is_no_such_grant() {
    let site = Site::start().await;
    let application = Application::register(&site).await;
    let form = [("grant_type", JWT_BEARER), ("assertion", "x.y.z")];
    let answer = application.post("token", &form).await;
    assert_eq!(answer.error(), Some("unsupported_grant_type"));
    assert!(site.broker.metadata()["authorization_grant_profiles_supported"].is_null());
}

#[tokio::test]
async fn an_identity_provider_is_configured_once_and_safely() {
    let site = Site::start().await;
    let of = |issuers: &[&str]| {
        let add = |builder: BrokerBuilder, issuer: &&str| {
            builder.identity_provider(IdentityProvider::new(*issuer, |_| None))
        };
        let built = issuers.iter().fold(site.builder(), add).build();
        built.map(drop).map_err(|error| error.to_string())
    };
    assert!(of(&[IDP, "https://other.example"]).is_ok());
    let twice = of(&[IDP, IDP]).unwrap_err();
    assert!(twice.contains("twice"), "{twice}");
    let plain = of(&["http://acme.idp.example"]).unwrap_err();
    assert!(plain.contains("https"), "{plain}");
}
