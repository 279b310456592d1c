//! Five tools over a user's account at a JupyterHub.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toolgate::prelude::*;

/// A JupyterHub on this machine; the environment names another (`JUPYTERHUB_API_URL`, ..).
#[provider(
    api = "http://127.0.0.1:8000/hub/api",
    authorize = "http://127.0.0.1:8000/hub/api/oauth2/authorize",
    token = "http://127.0.0.1:8000/hub/api/oauth2/token",
    client_auth = body,
    token_check = "/user"
)]
pub enum JupyterHub {
    /// See who you are.
    #[scope("read:users!user", access = read)]
    Me,
    /// See the names of all users.
    #[scope("list:users", access = read)]
    Users,
    /// See your tokens.
    #[scope("read:tokens!user", access = read)]
    ReadTokens,
    /// Issue and revoke your tokens.
    #[scope("tokens!user", access = write, implies(ReadTokens))]
    Tokens,
    /// Reach your notebook servers.
    #[scope("access:servers!user", access = write)]
    Servers,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct User {
    name: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct ApiToken {
    id: String,
    note: Option<String>,
    expires_at: Option<String>,
    scopes: Vec<String>,
    /// The token itself: shown once, when it is issued.
    token: Option<String>,
}

#[derive(Deserialize)]
struct Tokens {
    api_tokens: Vec<ApiToken>,
}

/// Says who the user is.
#[tool(scopes = "read:users!user")]
async fn who_am_i(hub: AuthedClient<JupyterHub>) -> Result<Json<User>> {
    me(&hub).await.map(Json)
}

/// A path of a user's tokens needs the user's name.
#[requires("read:users!user")]
async fn me(hub: &AuthedClient<JupyterHub>) -> Result<User> {
    hub.get("/user").send().await?.json().await
}

/// Lists the users of the hub.
#[tool(scopes = "list:users")]
async fn list_users(
    hub: AuthedClient<JupyterHub>,
    /// How many users to return.
    #[arg(default = 50, range(1..=200))]
    limit: u8,
) -> Result<Json<Vec<User>>> {
    Ok(Json(hub.get("/users").query(&[("limit", limit)]).send().await?.json().await?))
}

/// Lists the user's tokens, without their secrets.
#[tool(scopes = ["read:users!user", "read:tokens!user"])]
async fn my_tokens(hub: AuthedClient<JupyterHub>) -> Result<Json<Vec<ApiToken>>> {
    let name = me(&hub).await?.name;
    let tokens: Tokens = hub.get(path!("/users/{name}/tokens")).send().await?.json().await?;
    Ok(Json(tokens.api_tokens))
}

/// Issues a token of the user's, with no more rights than the user has.
#[tool(scopes = ["read:users!user", "tokens!user"])]
async fn issue_token(
    hub: AuthedClient<JupyterHub>,
    /// What it is for.
    #[arg(length(1..=200))]
    note: String,
    /// What it may do: `read:users!user`.
    #[arg(length(1..=20))]
    scopes: Vec<String>,
    /// How long it lasts, in seconds.
    #[arg(default = 3600, range(60..=86400))]
    expires_in: u32,
) -> Result<Json<ApiToken>> {
    let name = me(&hub).await?.name;
    let wanted = serde_json::json!({ "note": note, "scopes": scopes, "expires_in": expires_in });
    Ok(Json(hub.post(path!("/users/{name}/tokens")).json(&wanted).send().await?.json().await?))
}

/// Revokes one of the user's tokens, for good.
#[tool(scopes = ["read:users!user", "tokens!user"], destructive)]
async fn revoke_token(hub: AuthedClient<JupyterHub>, id: String) -> Result<()> {
    let name = me(&hub).await?.name;
    hub.delete(path!("/users/{name}/tokens/{id}")).send().await.map(drop)
}

#[tokio::main]
async fn main() -> Result<()> {
    let tools = tools![who_am_i, list_users, my_tokens, issue_token, revoke_token];
    let server = toolgate::server!().provider(JupyterHub::from_env()?).tools(tools);
    // With one sign-in for host and hub, or with a consent when a tool needs one.
    if std::env::var("SIGN_IN").is_ok() {
        return server.broker::<JupyterHub>(|broker| broker.user("/user", "name")).serve().await;
    }
    server.serve().await
}
