//! Authenticated tools for AI agents.
//!
//! A tool is an async function that an AI assistant calls through MCP, the Model Context Protocol.
//! Annotate it with the OAuth scopes that it needs. The compiler proves that it uses no others; the
//! runtime verifies the caller, gets the user's consent, and passes the function a client.
//!
//! # Example
//!
//! ```no_run
//! use toolgate::prelude::*;
//!
//! /// GitHub's REST API.
//! #[provider(
//!     api = "https://api.github.com",
//!     authorize = "https://github.com/login/oauth/authorize",
//!     token = "https://github.com/login/oauth/access_token",
//!     response_scope_separator = ","
//! )]
//! pub enum GitHub {
//!     /// Reads your profile.
//!     #[scope("read:user", access = read)]
//!     ReadUser,
//! }
//!
//! /// Says who is signed in at GitHub.
//! #[tool(scopes = "read:user")]
//! async fn who_am_i(github: AuthedClient<GitHub>) -> Result<String> {
//!     github.get("/user").send().await?.text().await
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<()> {
//!     toolgate::server!().provider(GitHub::from_env()?).tools(tools![who_am_i]).serve().await
//! }
//! ```
//!
//! The crate [`toolgate-providers`](https://docs.rs/toolgate-providers) has GitHub and others, with
//! all that departs from the RFCs: `use toolgate_providers::GitHub`.
//!
//! `serve` reads the command line and the environment: HTTP at `127.0.0.1:8765` by default,
//! `--stdio`, and `--describe` for the list of tools.
//!
//! # Scopes are proved
//!
//! `AuthedClient<GitHub>` in a tool's signature is `AuthedClient<GitHub, T>` to the compiler, where
//! `T` is the tool and holds the scopes that its attribute declares. A helper says with
//! [`requires`] what it needs, and accepts the client of no tool that holds less:
//!
//! ```compile_fail
//! # use toolgate::prelude::*;
//! # #[provider(api = "https://a.example", authorize = "https://a.example/a", token = "https://a.example/t")]
//! # pub enum GitHub {
//! #     /// Reads issues.
//! #     #[scope("issues:read", access = read)]
//! #     Read,
//! #     /// Writes issues.
//! #     #[scope("issues:write", implies(Read))]
//! #     Write,
//! # }
//! #[requires("issues:write")]
//! async fn close(github: &AuthedClient<GitHub>, number: u64) -> Result<()> {
//!     github.patch(path!("/issues/{number}")).json(&[("state", "closed")]).send().await.map(drop)
//! }
//!
//! /// Closes an issue.
//! #[tool(scopes = "issues:read")] // does not compile: `close` needs `issues:write`
//! async fn close_issue(github: AuthedClient<GitHub>, number: u64) -> Result<()> {
//!     close(&github, number).await
//! }
//! ```
//!
//! A scope has an access: `read`, `write` or `destructive`. The client of a tool that declares only
//! scopes that read has no `post`, `put`, `patch` and `delete`, so that the tool's `readOnlyHint` is
//! a fact. See [`AuthedClient`].
//!
//! # What a call goes through
//!
//! 1. The [`gate`] verifies the access token of the request (RFC 6750, RFC 9068) and compares its
//!    scopes with those of the tool.
//! 2. The arguments are decoded and checked by the constant that also made the tool's JSON Schema.
//! 3. The [`grant`] of the user is looked up, refreshed where its token is about to expire, or asked
//!    for: by a link, by an elicitation, or by `input_required`, as the host understands it.
//! 4. The function runs. Its [`client`] sends the token to the provider's API and nowhere else.
//!
//! # Modules
//!
//! | module | what it holds |
//! |---|---|
//! | [`prelude`] | what a file with tools imports |
//! | [`mod@provider`] | providers, their dialects, and the OAuth client that an operator registers |
//! | [`scope`] | scopes and their catalogues |
//! | [`client`] | requests to a provider's API, responses, pages, paths |
//! | [`mod@tool`] | what `#[tool]` declares: arguments, results, context, state, views |
//! | [`mod@server`] | the builder of a server, and what a built server can do |
//! | [`gate`] | the resource server: verifiers, claims, limits |
//! | [`broker`] | the authorization server in front of a provider |
//! | [`grant`] | grants, their stores, sealing and refresh |
//! | [`trace`] | what a server decided and did, as events for an observer |
//! | [`mod@env`] | variables of the process, and of a `.env` file |
//! | [`error`] | errors of calls and of configuration |
//! | [`stand_in`] | stand-ins of providers, for tests and for development without a network |
//! | [`testing`] | a client without a socket, an issuer, a provider, and a person with a browser |
//! | [`dev`] | sign-in with one click, for development |
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `broker` | yes | an OAuth 2.1 authorization server in front of one provider |
//! | `inspector` | yes | a page that shows each call and why it was refused, in development |
//! | `sqlite` | yes | grants in an embedded SQLite database; without it they live in memory |
//! | `dev` | no | sign-in without passwords, on this machine alone |
//! | `metrics`, `opentelemetry` | no | `telemetry`: metrics for Prometheus; spans and metrics by OTLP |
//! | `config`, `postgres` | no | a configuration file; grants in PostgreSQL, for several replicas |
//! | `keyring` | no | the master key in the keyring of the operating system |
//! | `sse` | no | the transport of 2024-11-05, `Server::legacy_sse` |
//! | `testing` | no | what tests of your own tools need |
//! | `websocket` | no | MCP over WebSocket, `Server::websocket` |
//!
//! # Guides
//!
#![cfg_attr(doc, doc = "[Arguments](guide::arguments), [Widgets](guide::widgets),")]
#![cfg_attr(
    doc,
    doc = "[Providers](guide::providers), [Add your provider](guide::add_your_provider),"
)]
#![cfg_attr(
    doc,
    doc = "[Several accounts](guide::accounts), [Identity providers](guide::identity),"
)]
#![cfg_attr(doc, doc = "[Hosts](guide::hosts), [Behind a proxy](guide::behind_a_proxy),")]
#![cfg_attr(doc, doc = "[Operations](guide::operations),")]
#![cfg_attr(doc, doc = "[Compile-time errors](guide::errors), [Performance](guide::performance),")]
#![cfg_attr(doc, doc = "[Transports](guide::transports).")]
#![cfg_attr(docsrs, feature(doc_cfg))]

// What the macros emit names `::toolgate`, in this crate's own tests too.
extern crate self as toolgate;

#[cfg(feature = "broker")]
pub mod broker;
pub mod client;
#[cfg(feature = "dev")]
pub mod dev;
pub mod env;
pub mod error;
pub mod gate;
pub mod grant;
pub mod provider;
pub mod scope;
pub mod server;
#[cfg(feature = "testing")]
pub mod stand_in;
#[cfg(any(feature = "metrics", feature = "opentelemetry"))]
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
pub mod tool;
pub mod trace;

mod browser;
mod consent;
mod http;
#[cfg(feature = "inspector")]
mod inspector;
mod macros;
mod management;
mod mcp;
mod oauth;
mod stdio;
mod support;

pub use crate::tool::{context, outcome, state};

/// Declares the scopes of the application's own access tokens, as the variants of an enum.
///
/// A tool with a [`Caller<P>`](Caller) of this enum can only be called with a token that carries the
/// scopes that the tool declares.
///
/// ```
/// use toolgate::prelude::*;
///
/// /// What our customers may do.
/// #[catalogue]
/// pub enum Acme {
///     /// See orders.
///     #[scope("orders:read", access = read)]
///     Read,
///     /// Place and cancel orders.
///     #[scope("orders:write", implies(Read))]
///     Write,
/// }
///
/// /// Counts the caller's orders.
/// #[tool(scopes = "orders:read")]
/// async fn count_orders(caller: Caller<Acme>) -> Json<usize> {
///     Json(caller.subject().len())
/// }
/// ```
///
/// | key | meaning |
/// |---|---|
/// | `name` | the name that people read; by default the enum's |
/// | `crate` | the path of this crate, if it is not `::toolgate` |
///
/// `#[scope(..)]` is described at [`provider`](macro@provider).
pub use toolgate_macros::catalogue;
/// Declares an upstream provider: its endpoints, and its scopes as the variants of an enum.
///
/// ```
/// use toolgate::prelude::*;
///
/// /// GitHub's REST API.
/// #[provider(
///     api = "https://api.github.com",
///     authorize = "https://github.com/login/oauth/authorize",
///     token = "https://github.com/login/oauth/access_token",
///     response_scope_separator = ","
/// )]
/// pub enum GitHub {
///     /// Read and write public repositories.
///     #[scope("public_repo", access = write)]
///     PublicRepo,
///     /// Full control of repositories.
///     #[scope("repo", access = write, implies(PublicRepo))]
///     Repo,
/// }
/// ```
///
/// | key | meaning |
/// |---|---|
/// | `api`, `authorize`, `token` | the endpoints: https, or http to this machine |
/// | `revoke`, `issuer` | the revocation endpoint (RFC 7009), the issuer of authorization responses (RFC 9207) |
/// | `id`, `name` | `github` in URLs and variables, `GitHub` for people; by default from the enum's name |
/// | `scope_separator`, `response_scope_separator` | the separator of scopes in a request and in a response, if not a space |
/// | `client_auth` | `basic`, or `body` for `client_id` and `client_secret` in the form |
/// | `authorize_params("name" = "value")` | additional parameters of the authorization request |
/// | `refresh` | the refresh endpoint, if not `token` |
/// | `grant` | `authorization_code`, or `token_exchange`: your own API, for which the caller's token is exchanged at `token` (RFC 8693). `issuer` is then the issuer of the callers' tokens, and `authorize` is left out |
/// | `token_check` | a path that every valid token may read, where an expired token is answered with 403 |
/// | `scope_param`, `scope_prefix`, `empty_scope = none` | the parameter for scopes; what is before each scope; an empty `scope` means none |
/// | `pkce = off`, `token_body = json`, `token_params(..)`, `refresh_params(..)`, `refresh_scope` | what token requests have, or have not |
/// | `token_response(..)`, `refresh_response(..)` | JSON pointers (RFC 6901) to `access_token`, `refresh_token`, `scope`, `expires_in`, `error`, `error_description` |
/// | `invalid_grant("code", "code: text")` | errors that mean that a refresh token is dead |
/// | `refresh_token(rotates = false, leeway = 600, revokes_access_token)` | how refresh tokens behave |
/// | `revocation(method, token, param, body, client_auth, only)` | the provider's own way of revocation |
/// | `api_headers("Name" = "value")` | headers of each request to the API |
/// | `rate_limited(..)`, `insufficient_scope(.., needed)`, `invalid_token(..)`, `api_error(..)` | what a response of the API means, by `status`, and `pointer` or `header`, and `values(..)` |
/// | `account(path, id, label, scopes, prompt)` | what the API says of the owner of a token; with it a person may connect several accounts |
/// | `placeholders(name(from = ..))` | names in braces in the URLs: from the `configuration`, the `person`, the `token_response` or the `api` |
/// | `stand_in` | the path of the [profile](provider::profile::Profile) by which a stand-in takes the provider's place in tests and in development |
/// | `crate` | the path of this crate, if it is not `::toolgate` |
///
/// # Your own API
///
/// If an API trusts the authorization server that the [gate] trusts, people need not
/// connect an account there: the access token of the caller is exchanged for one of that API (RFC
/// 8693), with the scopes of the tool and no others, and kept for its life. No token is passed through.
///
/// ```
/// use toolgate::prelude::*;
///
/// /// The orders of our shop.
/// #[provider(
///     id = "orders",
///     api = "https://orders.example",
///     token = "https://login.example/oauth/token",
///     issuer = "https://login.example",
///     grant = token_exchange
/// )]
/// pub enum OrdersApi {
///     /// See your orders.
///     #[scope("orders:read", access = read)]
///     Read,
/// }
///
/// /// Lists your orders.
/// #[tool(scopes = "orders:read")]
/// async fn list_orders(orders: AuthedClient<OrdersApi>) -> Result<String> {
///     orders.get("/orders").send().await?.text().await
/// }
/// ```
///
/// The server's client at that authorization server is [`Provider::from_env`]
/// as ever: `ORDERS_CLIENT_ID`, `ORDERS_CLIENT_SECRET`. A server whose gate does not take tokens of the
/// `issuer`, or which has a broker, does not start.
///
/// # Scopes
///
/// `#[scope("token", access = read, implies(Other))]`: `access` is `read`, `write` (the default) or
/// `destructive`. A tool's annotations follow from it, and a client whose scopes only read has no
/// `post`, `put`, `patch` and `delete`. `implies` is transitive, and a scope has at least the access
/// of the scopes that it implies. `also = ".."` is another name of the scope in responses.
///
/// The expansion also has a hidden `macro_rules!` macro with the enum's name, which passes the catalogue
/// to [`tool`](macro@tool) and [`requires`]. `use github::GitHub` imports both.
pub use toolgate_macros::provider;
/// Declares the scopes that a helper needs of the client that it takes.
///
/// A tool, or another helper, that does not hold them does not compile; and the helper itself can
/// do no more than it says, because its client is narrowed to these scopes.
///
/// ```
/// # use toolgate::prelude::*;
/// # #[provider(api = "https://a.example", authorize = "https://a.example/a", token = "https://a.example/t")]
/// # pub enum Forge {
/// #     /// Reads.
/// #     #[scope("repo:read", access = read)]
/// #     Read,
/// #     /// Writes.
/// #     #[scope("repo:write", implies(Read))]
/// #     Write,
/// # }
/// #[requires("repo:write")]
/// async fn close(forge: &AuthedClient<Forge>, number: u64) -> Result<()> {
///     forge.patch(path!("/issues/{number}")).json(&[("state", "closed")]).send().await?;
///     Ok(())
/// }
///
/// /// Closes an issue.
/// #[tool(scopes = "repo:write")]
/// async fn close_issue(forge: AuthedClient<Forge>, number: u64) -> Result<()> {
///     close(&forge, number).await
/// }
/// ```
///
/// With clients of several providers, name them: `#[requires(forge = "repo:read", chat = "post")]`.
pub use toolgate_macros::requires;
/// Makes an async function a tool.
///
/// The function stays as it is, and can be called. The attribute adds an empty type of the same name,
/// which implements [`Tool`](tool::Tool); [`tools!`] takes that name.
///
/// The doc comment is the description by which the model chooses. Parameters of the types
/// [`AuthedClient`], [`Caller`], [`State`] and [`Context`] are injected; every other parameter is
/// an argument, which is owned and implements `serde::Deserialize` and `schemars::JsonSchema`. Its
/// doc comment is its description. `docs/arguments.md` says in which forms hosts may send it, and what
/// they are shown of its type.
///
/// ```
/// use toolgate::prelude::*;
///
/// /// Rolls dice.
/// #[tool(title = "Dice", open_world = false)]
/// async fn roll(
///     /// How many dice.
///     #[arg(default = 1, range(1..=10))]
///     dice: u8,
///     /// What the roll is for.
///     #[arg(length(..=80))]
///     purpose: Option<String>,
/// ) -> Json<Vec<u8>> {
///     let _ = purpose;
///     Json((1..=dice).collect())
/// }
/// ```
///
/// # Read-only tools
///
/// A tool whose scopes all have `access = read` has the annotation `readOnlyHint`, and its
/// [`AuthedClient`] only sends requests that read: `post`, `put`, `patch`, `delete` and `request` do
/// not compile. So the hint is proved and not merely declared. A POST that only reads is
/// [`AuthedClient::post_read_only`]:
///
/// ```compile_fail,E0277
/// # use toolgate::prelude::*;
/// # #[provider(api = "https://a.example", authorize = "https://a.example/a", token = "https://a.example/t")]
/// # pub enum Forge {
/// #     /// Reads.
/// #     #[scope("repo:read", access = read)]
/// #     Read,
/// # }
/// /// Closes an issue.
/// #[tool(scopes = "repo:read")]
/// async fn close(forge: AuthedClient<Forge>, number: u64) -> Result<()> {
///     forge.delete(path!("/issues/{number}")).send().await.map(drop)
/// }
/// ```
///
/// # Keys
///
/// | key | meaning |
/// |---|---|
/// | `scopes` | `"repo:read"`, `"repo:read user:email"`, `["a", "b"]`, the provider's variants, or by parameter: `scopes(github = "repo", slack = "chat:write")` |
/// | `name`, `title` | the name that the model calls (by default the function's), the name that people read |
/// | `read_only`, `destructive`, `idempotent`, `open_world` | hints; by default the first two follow from the scopes |
/// | `app_only`, `model_only` | only views of widgets may call it, or only the model |
/// | `strict` | arguments are refused where they are not what the schema says, even if what is meant is clear |
/// | `long_name` | allows a name of more than 40 characters, which some hosts refuse |
/// | `default_scope` | whether hosts ask for its scopes at sign-in; by default if all of them only read |
/// | `icons("https://..")`, `meta(key = "value")` | the icons that hosts show, the members of `_meta` |
/// | `provider` | the provider, where the parameter's type hides it behind an alias |
/// | `crate` | the path of this crate, if it is not `::toolgate` |
///
/// `#[arg(..)]` on an argument: `default = value` (or `default` alone), `rename = "name"`,
/// `range(1..=100)`, `length(1..=64)`, `pattern = "^[a-z]+$"`, `one_of("a", "b")`,
/// `example = value` or `examples(value, value)`, and `flatten` for a struct whose fields are arguments.
pub use toolgate_macros::tool;
/// Makes an async function a tool with a user interface: an MCP Apps view (SEP-1865).
///
/// It is a [`tool`](macro@tool) in everything; what it returns is the view's props, which implement
/// `serde::Serialize` and `schemars::JsonSchema`. Hosts that show no views show the props as text.
///
/// ```
/// use toolgate::prelude::*;
///
/// #[derive(serde::Serialize, schemars::JsonSchema)]
/// struct Roll {
///     dice: Vec<u8>,
/// }
///
/// /// Rolls dice, and shows them.
/// #[widget(view = r#"
///     <p id="dice">Rolling</p>
///     <script toolgate></script>
///     <script>
///         toolgate.view().onchange(({ props }) => {
///             if (props) document.getElementById('dice').textContent = props.dice.join(' ');
///         });
///     </script>
/// "#)]
/// async fn roll(#[arg(default = 2, range(1..=10))] dice: u8) -> Roll {
///     Roll { dice: (1..=dice).collect() }
/// }
/// ```
///
/// | key | meaning |
/// |---|---|
/// | `view` | an `.html` file, relative to the crate's `Cargo.toml`, or HTML itself |
/// | `csp(connect = [..], resource = [..], frame = [..], base_uri = [..])` | the origins that the page may reach: `"https://api.example"`; none without it |
/// | `optional_scopes` | scopes that the view's own calls may ask for later: `"repo:write"` |
/// | `permissions("clipboard_write")` | the device permissions that the page asks for; also `camera`, `microphone`, `geolocation` |
/// | `border` | the host draws a border |
/// | `domain` | the domain from which the host serves the page, in the form that the host wants: `"https://board.example"` |
/// | `invoking`, `invoked` | the texts that hosts show during the call and after it |
///
/// and all keys of `#[tool]`. `<script toolgate></script>` is replaced by the library that talks to the
/// host. A page receives props and never a token: its calls go through the host, with the rights of
/// the person who looks at it, and are checked like all others. `docs/widgets.md` is a guide.
pub use toolgate_macros::widget;

pub use self::{
    client::AuthedClient,
    error::{ConfigError, Error, ErrorKind, Result},
    provider::{OAuthClient, Provider},
    server::Server,
    tool::{
        Caller, Tools,
        context::Context,
        outcome::{Image, Json, ResourceLink},
        state::State,
    },
};

/// The items that a file with tools uses.
pub mod prelude {
    pub use crate::{
        AuthedClient, Caller, Context, Error, Image, Json, Provider, ResourceLink, Result, State,
        catalogue, path, provider, requires, tool, tools, widget,
    };
}

#[doc(hidden)]
pub mod __private;

/// Guides: longer pages than fit an item's documentation.
// Their code is compiled elsewhere: some of it is part of a larger program.
#[cfg(all(doc, not(doctest)))]
pub mod guide {
    #[doc = include_str!("../docs/accounts.md")]
    pub mod accounts {}
    #[doc = include_str!("../docs/add-your-provider.md")]
    pub mod add_your_provider {}
    #[doc = include_str!("../docs/arguments.md")]
    pub mod arguments {}
    #[doc = include_str!("../docs/behind-a-proxy.md")]
    pub mod behind_a_proxy {}
    #[doc = include_str!("../docs/errors.md")]
    pub mod errors {}
    #[doc = include_str!("../docs/hosts.md")]
    pub mod hosts {}
    #[doc = include_str!("../docs/identity.md")]
    pub mod identity {}
    #[doc = include_str!("../docs/operations.md")]
    pub mod operations {}
    #[doc = include_str!("../docs/performance.md")]
    pub mod performance {}
    #[doc = include_str!("../docs/providers.md")]
    pub mod providers {}
    #[doc = include_str!("../docs/transports.md")]
    pub mod transports {}
    #[doc = include_str!("../docs/widgets.md")]
    pub mod widgets {}
}

#[cfg(doctest)]
mod guide_code;
