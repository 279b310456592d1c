use ui::prelude::*;

/// A chat whose user's token is nested, and whose errors come with status 200.
#[provider(
    api = "https://chat.example/api",
    authorize = "https://chat.example/authorize",
    token = "https://chat.example/api/access",
    revoke = "https://chat.example/api/revoke",
    client_auth = body,
    scope_param = "user_scope",
    scope_separator = ",",
    token_response(
        access_token = "/authed_user/access_token",
        refresh_token = "/authed_user/refresh_token",
        scope = "/authed_user/scope",
        expires_in = "/authed_user/expires_in",
        error = "/failure/code",
        error_description = "/failure/text~1detail"
    ),
    refresh_response(),
    invalid_grant("invalid_refresh_token", "invalid_request: expired due to inactivity"),
    rate_limited(status = 403, header = "X-Reason", values("rate_limited")),
    insufficient_scope(pointer = "/error", values("missing_scope"), needed = "/needed"),
    invalid_token(pointer = "/error", values("token_expired", "invalid_auth")),
    api_error(pointer = "/ok", values("false")),
    revocation(token = bearer, only = access_token),
    account(
        path = "/auth.test",
        id("/team_id", "/user_id"),
        label("/user", "/team"),
        scopes("chat:read"),
        prompt = "select_account"
    )
)]
pub enum Chat {
    #[scope("chat:write", also = "chat:write:user")]
    Write,
    #[scope("chat:read", access = read, also("chat:read:user", "chat:history"))]
    Read,
}

/// A directory of tenants.
#[provider(
    api = "https://graph.example/v1.0",
    authorize = "https://login.example/{tenant}/authorize",
    token = "https://login.example/{tenant}/token",
    scope_prefix = "https://graph.example/",
    refresh_scope,
    empty_scope = none,
    pkce = off,
    token_body = json,
    token_params("audience" = "api"),
    refresh_params("audience" = "api"),
    api_headers("Accept" = "application/vnd.graph+json", "X-Version" = "2026-11-01"),
    refresh_token(rotates = false, leeway = 600, revokes_access_token),
    placeholders(tenant(from = configuration, default = "common"))
)]
pub enum Directory {
    #[scope("User.Read", access = read)]
    Read,
}

/// A shop of each customer, whose tokens are revoked by their path.
#[provider(
    api = "https://{shop}.shops.example/api/{region}",
    authorize = "https://{shop}.shops.example/authorize",
    token = "https://{shop}.shops.example/token",
    revoke = "https://shops.example/{client_id}/tokens/{token}",
    revocation(method = delete, token = path, client_auth = basic),
    placeholders(
        shop(from = person, label = "The name of your shop"),
        region(from = api, url = "https://shops.example/regions", pointer = "/0/id")
    )
)]
pub enum Shops {
    #[scope("read", access = read)]
    Read,
}

/// An API whose address comes with the token.
#[provider(
    api = "{instance_url}/services/data",
    authorize = "https://login.force.example/authorize",
    token = "https://login.force.example/token",
    placeholders(instance_url(
        from = token_response,
        pointer = "/instance_url",
        hosts("*.my.force.example", "*.sandbox.my.force.example")
    ))
)]
pub enum Force {
    #[scope("api")]
    Api,
}

/// An API that trusts the authorization server of the callers.
#[provider(
    api = "https://orders.example",
    token = "https://login.example/{region}/token",
    issuer = "https://login.example",
    grant = token_exchange,
    client_auth = body,
    token_params("audience" = "orders"),
    placeholders(region(from = configuration, default = "eu"))
)]
pub enum Orders {
    #[scope("orders:read", access = read)]
    Read,
}

/// Lists orders.
#[tool(scopes = "orders:read")]
async fn list(orders: AuthedClient<Orders>) {
    let _ = orders;
}

/// Reads.
#[tool(scopes(chat = "chat:read", directory = "User.Read", shops = "read", force = "api"))]
async fn read(
    chat: AuthedClient<Chat>,
    directory: AuthedClient<Directory>,
    shops: AuthedClient<Shops>,
    force: AuthedClient<Force>,
) {
    let _ = (chat, directory, shops, force);
}

pub fn main() {
    let _ = read;
}
