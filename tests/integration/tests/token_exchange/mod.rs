//! APIs of the callers' own authorization server, for which their tokens are exchanged (RFC 8693).

mod calls;
mod failures;
mod starts;
mod transports;
mod without;
mod world;

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use integration::recorder::Recorder;
use serde_json::json;
use toolgate::{
    Server,
    gate::{AuthError, Claims, Gate, PresentedToken, Scheme, Verifier, async_trait},
    grant::{Clock, ManualClock},
    prelude::*,
    provider::OAuthClient,
    testing::{Answer, Client, Issuer, RESOURCE, Token},
};

use self::world::World;

const SECRET: &str = "secret of the client &=";

/// The shop's orders.
#[provider(
    name = "Orders",
    id = "orders",
    api = "https://orders.example",
    token = "https://issuer.test/token",
    issuer = "https://issuer.test",
    grant = token_exchange,
    client_auth = body
)]
enum OrdersApi {
    /// See orders.
    #[scope("orders:read", access = read)]
    Read,
    /// Place orders.
    #[scope("orders:write", implies(Read))]
    Write,
}

/// The shop's stock, whose API has a name at the authorization server.
#[provider(
    api = "https://stock.example",
    token = "https://issuer.test/token",
    issuer = "https://issuer.test",
    grant = token_exchange,
    token_params("audience" = "stock-api")
)]
enum Stock {
    /// See what is there.
    #[scope("stock:read", access = read)]
    Read,
}

/// Lists the orders.
#[tool(scopes = "orders:read")]
async fn list_orders(orders: AuthedClient<OrdersApi>) -> Result<String> {
    orders.get("/orders").send().await?.text().await
}

/// Places an order.
#[tool(scopes = "orders:write")]
async fn place_order(orders: AuthedClient<OrdersApi>) -> Result<String> {
    orders.post("/orders").send().await?.text().await
}

/// Counts what is there.
#[tool(scopes = "stock:read")]
async fn count_stock(stock: AuthedClient<Stock>) -> Result<String> {
    stock.get("/count").send().await?.text().await
}

/// Asks nothing of the API.
#[tool(scopes = "orders:read")]
async fn idle(_orders: AuthedClient<OrdersApi>) -> String {
    "idle".to_owned()
}

/// The text itself is the subject. `other-` is of another issuer.
struct Spelled;

#[async_trait]
impl Verifier for Spelled {
    async fn verify(&self, presented: PresentedToken<'_>) -> Result<Claims, AuthError> {
        let text = presented.credentials.token();
        let is_other = text.starts_with("other-");
        let issuer = if is_other { "https://other.test" } else { Issuer::NAME };
        assert!(presented.credentials.scheme == Scheme::Bearer || text.starts_with("bound"));
        Ok(Claims::new(issuer, text))
    }

    fn authorization_servers(&self) -> Vec<String> {
        vec!["https://other.test".to_owned(), Issuer::NAME.to_owned()]
    }
}

fn at<P>(client: OAuthClient<P>, url: &str) -> OAuthClient<P> {
    client.secret(SECRET).api(format!("{url}/api")).token(format!("{url}/token"))
}

fn server(world: &World) -> Server {
    Server::new("shop", "1")
        .provider(at(OrdersApi::client("shop"), &world.url))
        .provider(at(Stock::client("shop"), &world.url))
        .tools(tools![list_orders, place_order, count_stock, idle])
}

struct Site {
    world: World,
    issuer: Issuer,
    clock: Arc<ManualClock>,
    recorder: Recorder,
    client: Client,
}

impl Site {
    async fn start() -> Self {
        let (world, issuer, recorder) = (World::start().await, Issuer::new(), Recorder::default());
        let clock = Arc::new(ManualClock::at(SystemTime::now()));
        let gate = Gate::new(issuer.verifier().clock(clock.clone())).resource(RESOURCE);
        let server = server(&world).gate(gate).clock(clock.clone()).observe(recorder.clone());
        let client = Client::of(server).await.unwrap();
        Self { world, issuer, clock, recorder, client }
    }

    /// A token that is issued now, by the clock of the site: it stands still, however long a test takes.
    fn token(&self, name: &str) -> Token {
        let now = Clock::now(&*self.clock).duration_since(UNIX_EPOCH).unwrap().as_secs();
        self.issuer.token(name).claim("iat", now).claim("exp", now + 300)
    }

    fn caller(&self, name: &str) -> Client {
        self.client.with(self.token(name))
    }

    async fn call(&self, caller: &str, tool: &str) -> Answer {
        self.caller(caller).call(tool, json!({})).await
    }
}
