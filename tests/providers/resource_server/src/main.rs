//! A server whose gate trusts an identity product, for `judge.mjs`.
//!
//! `ISSUER` and `RESOURCE` are those of the gate. With `INTROSPECTION`, a URL, `CLIENT` and `SECRET`,
//! tokens are verified by introspection instead of their signature; with `PLAIN`, those of the type
//! `JWT` are accepted; with `PRESET`, the product's own function makes the verifier; with `AHEAD`, the
//! gate's clock is so many seconds ahead; with `OPENID`, challenges name `openid` too.

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
    let gate = gate.resource(env::var("RESOURCE")?);
    Ok(if env::var("OPENID").is_ok() { gate.challenge_scopes(["openid"]) } else { gate })
}

#[tokio::main]
async fn main() -> Result<()> {
    let server = toolgate::server!().gate(gate()?).tools(tools![list_orders, place_order]);
    server.serve().await
}
