//! A server whose gate trusts an identity product, for `judge.mjs`.
//!
//! `ISSUER` and `RESOURCE` are those of the gate. With `INTROSPECTION`, a URL, `CLIENT` and `SECRET`,
//! tokens are verified by introspection instead of their signature; with `PLAIN`, those of the type
//! `JWT` are accepted; with `PRESET`, the product's own function makes the verifier; with `AHEAD`, the
//! gate's clock is so many seconds ahead; with `OPENID`, the tools need the scope `openid` too.

use std::{
    env,
    sync::Arc,
    time::{Duration, SystemTime},
};

use toolgate::{
    gate::{self, Gate, introspection, oidc},
    grant::Clock,
    prelude::*,
};

/// What a customer may do.
#[catalogue]
pub enum Acme {
    /// Be recognised.
    #[scope("openid", access = read)]
    OpenId,
    /// See one's orders.
    #[scope("orders:read", access = read)]
    Read,
    /// Place orders.
    #[scope("orders:write", access = write, implies(Read))]
    Write,
}

/// Lists the caller's orders.
#[tool(scopes = "orders:read")]
async fn list_orders(caller: Caller<Acme>) -> String {
    format!("the orders of {}", caller.subject())
}

/// Places an order for the caller.
#[tool(scopes = "orders:write")]
async fn place_order(caller: Caller<Acme>, article: String) -> String {
    format!("{article} for {}", caller.subject())
}

/// The same tools for an authorization server that has to be asked for `openid` as well.
mod with_openid {
    use toolgate::prelude::*;

    use super::Acme;

    /// Lists the caller's orders.
    #[tool(scopes = ["openid", "orders:read"])]
    pub(crate) async fn list_orders(caller: Caller<Acme>) -> String {
        format!("the orders of {}", caller.subject())
    }

    /// Places an order for the caller.
    #[tool(scopes = ["openid", "orders:write"])]
    pub(crate) async fn place_order(caller: Caller<Acme>, article: String) -> String {
        format!("{article} for {}", caller.subject())
    }
}

/// A clock that is ahead of the machine's.
#[derive(Debug)]
struct Ahead(Duration);

impl Clock for Ahead {
    fn now(&self) -> SystemTime {
        SystemTime::now() + self.0
    }
}

fn gate() -> Result<Gate> {
    let issuer = env::var("ISSUER")?;
    let ahead = env::var("AHEAD").map_or(Ok(0), |seconds| seconds.parse())?;
    let clock = Arc::new(Ahead(Duration::from_secs(ahead)));
    let gate = if let Ok(url) = env::var("INTROSPECTION") {
        let (client, secret) = (env::var("CLIENT")?, env::var("SECRET")?);
        Gate::new(introspection(issuer, url, client, secret)?.clock(clock))
    } else {
        let jwt = match env::var("PRESET").as_deref() {
            Ok("better_auth") => gate::better_auth(&issuer)?,
            _ => oidc(issuer)?,
        };
        let jwt = jwt.clock(clock);
        Gate::new(if env::var("PLAIN").is_ok() { jwt.accept_plain_jwt() } else { jwt })
    };
    Ok(gate.resource(env::var("RESOURCE")?))
}

#[tokio::main]
async fn main() -> Result<()> {
    let server = toolgate::server!().gate(gate()?);
    let server = if env::var("OPENID").is_ok() {
        server.tools(tools![with_openid::list_orders, with_openid::place_order])
    } else {
        server.tools(tools![list_orders, place_order])
    };
    server.serve().await
}
