//! Salesforce: records, reports and Chatter.
//!
//! # Register a client
//!
//! 1. In the setup of your organization, open the
//!    [External Client App Manager](https://help.salesforce.com/s/articleView?id=xcloud.external_client_apps.htm)
//!    and choose "New External Client App".
//! 2. Enable OAuth, with the callback URL of your server: `https://tools.example/callback/salesforce`,
//!    or `http://localhost:8765/callback/salesforce` for development.
//! 3. Choose the scopes that your tools declare, with `openid` and `refresh_token`.
//! 4. Set `SALESFORCE_CLIENT_ID` (the consumer key) and `SALESFORCE_CLIENT_SECRET`.
//! 5. For a sandbox, set `SALESFORCE_AUTHORIZE_URL`, `SALESFORCE_TOKEN_URL` and
//!    `SALESFORCE_REVOKE_URL` to the same paths at `https://test.salesforce.com`.
//!
//! # Identify a person
//!
//! `broker.user("/services/oauth2/userinfo", "user_id").sign_in_scopes(["openid"])`, for an app of
//! one organization: the API is that of the organization.
//!
//! Several accounts of a person are told apart by the organization and the user, so every consent
//! asks for `openid`, unless its scopes include it.
//!
//! # Tokens
//!
//! How long a token lives is set in the organization, and the answer does not say: it is refreshed
//! after a 401. A refresh token is given with the scope `refresh_token`, which a tool declares to get
//! one; whether it rotates is a setting of the app. The address of the API comes with the token.
//!
//! [Salesforce's documentation](https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_web_server_flow.htm)
//!
//! # Example
//!
//! ```
//! use toolgate::prelude::*;
//! use toolgate_providers::Salesforce;
//!
//! /// Reads an account.
//! #[tool(scopes = ["api", "refresh_token"], idempotent)]
//! async fn read_account(salesforce: AuthedClient<Salesforce>, id: String) -> Result<String> {
//!     let account = salesforce.get(path!("/services/data/v64.0/sobjects/Account/{id}"));
//!     account.send().await?.text().await
//! }
//! ```

use toolgate::provider;

// Endpoints and `instance_url`:
// https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_web_server_flow.htm
// Revocation: https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_revoke_token.htm
// The addresses of organizations:
// https://help.salesforce.com/s/articleView?id=xcloud.domain_name_url_formats.htm
/// The APIs of an organization at Salesforce.
///
/// See [the module](self) for the steps at Salesforce. Scopes are those of
/// [Salesforce's list](https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_tokens_scopes.htm)
/// that tools need most. None of them only reads: what a person may do at Salesforce is set there.
#[provider(
    api = "{instance_url}",
    authorize = "https://login.salesforce.com/services/oauth2/authorize",
    token = "https://login.salesforce.com/services/oauth2/token",
    revoke = "https://login.salesforce.com/services/oauth2/revoke",
    client_auth = body,
    // https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm
    rate_limited(status = 403, pointer = "/0/errorCode", values("REQUEST_LIMIT_EXCEEDED")),
    placeholders(instance_url(
        from = token_response,
        pointer = "/instance_url",
        hosts(
            "*.my.salesforce.com",
            "*.sandbox.my.salesforce.com",
            "*.develop.my.salesforce.com",
            "*.scratch.my.salesforce.com",
            "*.salesforce.com"
        )
    )),
    // https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_using_userinfo_endpoint.htm
    account(
        path = "/services/oauth2/userinfo",
        id("/organization_id", "/user_id"),
        label = "/preferred_username",
        scopes("openid")
    ),
    stand_in = crate::profile::salesforce::PROFILE
)]
// https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_tokens_scopes.htm: `full` is
// all but the refresh token; `api` includes `chatter_api`.
pub enum Salesforce {
    /// Stay connected while you are away.
    #[scope("refresh_token", access = read, also = "offline_access")]
    RefreshToken,
    /// Use all APIs as you.
    #[scope("api", access = write, implies(ChatterApi))]
    Api,
    /// Use Chatter's API as you.
    #[scope("chatter_api", access = write)]
    ChatterApi,
    /// Do all that you can do.
    #[scope("full", access = destructive, implies(Api, Id, OpenId, Profile, Email, Web))]
    Full,
    /// Know who you are.
    #[scope("openid", access = read)]
    OpenId,
    /// See who you are and where your APIs are.
    #[scope("id", access = read)]
    Id,
    /// See your name and picture.
    #[scope("profile", access = read)]
    Profile,
    /// See your e-mail address.
    #[scope("email", access = read)]
    Email,
    /// Use Salesforce's pages as you.
    #[scope("web", access = write)]
    Web,
    /// See which custom permissions you have.
    #[scope("custom_permissions", access = read)]
    CustomPermissions,
    /// Use Analytics as you.
    #[scope("wave_api", access = write)]
    WaveApi,
    /// Read Data Cloud with queries.
    #[scope("cdp_query_api", access = read)]
    CdpQueryApi,
}
