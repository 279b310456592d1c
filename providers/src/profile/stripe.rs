//! What Stripe answers to a Connect platform.
//!
//! Tokens: <https://docs.stripe.com/connect/oauth-reference>. Errors and limits:
//! <https://docs.stripe.com/api/errors>, <https://docs.stripe.com/rate-limits>.

use toolgate::provider::profile::{ClientProof, Profile, RefreshTokens, Reply, Route};

pub(crate) const PROFILE: &Profile = &Profile {
    authorize: "https://connect.stripe.com/oauth/authorize",
    token: "https://connect.stripe.com/oauth/token",
    proof: ClientProof::Body,
    // The refresh token is for a token of another mode or scope; the access token does not expire.
    granted: r#"{"access_token":"$access","livemode":false,"token_type":"bearer","stripe_publishable_key":"pk_test_1","stripe_user_id":"acct_$number","scope":"$scope"}"#,
    access_prefix: "sk_test_",
    access_ttl: None,
    refresh_tokens: RefreshTokens::Never,
    normalizes_scopes: true,
    bad_code: Reply::new(
        400,
        r#"{"error":"invalid_grant","error_description":"Authorization code does not exist: ac_1"}"#,
    ),
    bad_client: Reply::new(
        401,
        r#"{"error":{"type":"invalid_request_error","message":"Invalid API Key provided: sk_test_****"}}"#,
    ),
    who: Route::new(
        "GET",
        "https://api.stripe.com/v1/account",
        &["read_only", "read_write"],
        r#"{"id":"acct_$number","object":"account","email":"$email"}"#,
    ),
    read: Route::new(
        "GET",
        "https://api.stripe.com/v1/customers",
        &["read_only", "read_write"],
        r#"{"object":"list","url":"/v1/customers","has_more":false,"data":[]}"#,
    ),
    write: Route::new(
        "POST",
        "https://api.stripe.com/v1/customers",
        &["read_write"],
        r#"{"id":"cus_NffrFeUfNV2Hib","object":"customer","name":"$title"}"#,
    ),
    dead_token: Reply::new(
        401,
        r#"{"error":{"message":"Invalid API Key provided: sk_test_****","type":"invalid_request_error"}}"#,
    ),
    // stripe/stripe-apps, issues 458 and 1027.
    missing_scope: Reply::new(
        403,
        r#"{"error":{"code":"more_permissions_required_for_application","message":"This application does not have the required permissions for this endpoint on account 'acct_$number'. Having the '$needed' scope would allow this request to continue.","type":"invalid_request_error"}}"#,
    ),
    rate_limited: Reply::new(
        429,
        r#"{"error":{"message":"Request rate limit exceeded.","type":"invalid_request_error","code":"rate_limit","doc_url":"https://stripe.com/docs/error-codes/rate-limit"}}"#,
    ),
    ..Profile::STANDARD
};
