//! HubSpot: contacts, companies, deals and tickets of a CRM.
//!
//! # Register a client
//!
//! 1. Create an app as [HubSpot's guide](https://developers.hubspot.com/docs/apps/developer-platform/build-apps/create-an-app)
//!    says, with its command line.
//! 2. Add the redirect URL of your server: `https://tools.example/callback/hubspot`, or
//!    `http://localhost:8765/callback/hubspot` for development.
//! 3. List the scopes that your tools declare, and `oauth`. A consent has to ask for every scope
//!    that the app requires: list those as optional that not every tool needs.
//! 4. Set `HUBSPOT_CLIENT_ID` and `HUBSPOT_CLIENT_SECRET`.
//!
//! # Identify a person
//!
//! HubSpot is not for a broker: it names the person of a token only to the client, by a POST.
//!
//! Several accounts that a person connects are told apart by their Hub ID, so every consent asks for
//! `oauth`, which every app has.
//!
//! # Tokens
//!
//! A token lives for 30 minutes, and is for the account that the person chose. The refresh token
//! does not rotate.
//!
//! [HubSpot's documentation](https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/oauth/working-with-oauth)
//!
//! # Example
//!
//! ```
//! use toolgate::prelude::*;
//! use toolgate_providers::HubSpot;
//!
//! /// Reads a contact.
//! #[tool(scopes = "crm.objects.contacts.read")]
//! async fn read_contact(hubspot: AuthedClient<HubSpot>, id: String) -> Result<String> {
//!     hubspot.get(path!("/crm/v3/objects/contacts/{id}")).send().await?.text().await
//! }
//! ```

use toolgate::provider;

// The token endpoint, whose versions have dates, and `code_verifier` (that a challenge is compared, not
// checked): https://developers.hubspot.com/docs/api-reference/latest/authentication/manage-oauth-tokens
// Version 1 ends on 2027-02-16: https://developers.hubspot.com/changelog/v1-oauth-api-deprecation
// Its errors are those of RFC 6749 from version 3 on:
// https://developers.hubspot.com/changelog/new-oauth-v3-api-endpoints-and-standardized-error-responses
// The answer to a refresh has the same refresh token: HGData/mk-node-hubspot, pull request 19.
// Revocation is of a refresh token:
// https://developers.hubspot.com/docs/api-reference/latest/authentication/oauth-tokens/revoke-token
/// HubSpot's APIs.
///
/// See [the module](self) for the steps at HubSpot. Scopes are those of
/// [HubSpot's list](https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/scopes)
/// that tools need most.
#[provider(
    name = "HubSpot",
    api = "https://api.hubapi.com",
    authorize = "https://app.hubspot.com/oauth/authorize",
    token = "https://api.hubapi.com/oauth/2026-03/token",
    revoke = "https://api.hubapi.com/oauth/2026-03/token/revoke",
    client_auth = body,
    revocation(only = refresh_token),
    refresh_token(rotates = false),
    token_response(scope = "/scopes"),
    // https://developers.hubspot.com/docs/api-reference/error-handling
    insufficient_scope(
        status = 403,
        pointer = "/category",
        values("MISSING_SCOPES"),
        needed = "/errors/0/context/requiredGranularScopes"
    ),
    // https://developers.hubspot.com/docs/api-reference/latest/account/account-information/guide
    account(path = "/account-info/v3/details", id = "/portalId", label = "/portalId", scopes("oauth")),
    stand_in = crate::profile::hubspot::PROFILE
)]
// https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/scopes
pub enum HubSpot {
    /// Connect to your account.
    #[scope("oauth", access = read)]
    Oauth,
    /// See contacts.
    #[scope("crm.objects.contacts.read", access = read)]
    ContactsRead,
    /// Create, change and delete contacts.
    #[scope("crm.objects.contacts.write", access = write)]
    ContactsWrite,
    /// See companies.
    #[scope("crm.objects.companies.read", access = read)]
    CompaniesRead,
    /// Create, change and delete companies.
    #[scope("crm.objects.companies.write", access = write)]
    CompaniesWrite,
    /// See deals.
    #[scope("crm.objects.deals.read", access = read)]
    DealsRead,
    /// Create, change and delete deals.
    #[scope("crm.objects.deals.write", access = write)]
    DealsWrite,
    /// See the people to whom records are assigned.
    #[scope("crm.objects.owners.read", access = read)]
    OwnersRead,
    /// See products and prices on deals.
    #[scope("crm.objects.line_items.read", access = read)]
    LineItemsRead,
    /// Create, change and delete products and prices on deals.
    #[scope("crm.objects.line_items.write", access = write)]
    LineItemsWrite,
    /// See quotes.
    #[scope("crm.objects.quotes.read", access = read)]
    QuotesRead,
    /// See the properties that contacts have.
    #[scope("crm.schemas.contacts.read", access = read)]
    SchemasContactsRead,
    /// See the properties that companies have.
    #[scope("crm.schemas.companies.read", access = read)]
    SchemasCompaniesRead,
    /// See the properties that deals have.
    #[scope("crm.schemas.deals.read", access = read)]
    SchemasDealsRead,
    /// See lists of records.
    #[scope("crm.lists.read", access = read)]
    ListsRead,
    /// Create, change and delete lists of records.
    #[scope("crm.lists.write", access = write)]
    ListsWrite,
    /// See and change tickets.
    #[scope("tickets", access = write)]
    Tickets,
    /// See and change forms.
    #[scope("forms", access = write)]
    Forms,
}
