//! `cargo bench -p call`: the parts of a call, and the whole of it, in time.
//!
//! Compare the rows of one run with each other; what they are on another machine says nothing.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

use call::Served;
use divan::Bencher;
use tokio::runtime::Runtime;
use toolgate::{
    gate::{Claims, Credentials, PresentedToken, Verifier},
    grant::{Grant, GrantKey, GrantStore, MemoryStore, Revision},
    scope::{self, Access, Scope},
    testing::{Issuer, RESOURCE},
};

fn main() {
    divan::main();
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Whole calls, gate included, without a socket.
mod whole {
    use super::{Bencher, Served, runtime};

    fn of(bencher: Bencher<'_, '_>, short: bool, tool: &str, arguments: &str) {
        let runtime = runtime();
        let served = runtime.block_on(Served::new(short));
        bencher
            .with_inputs(|| served.request(tool, arguments))
            .bench_values(|request| runtime.block_on(served.send(request)));
    }

    #[divan::bench]
    fn without_arguments(bencher: Bencher<'_, '_>) {
        of(bencher, true, "simple_text", "{}");
    }

    #[divan::bench]
    fn with_arguments(bencher: Bencher<'_, '_>) {
        of(bencher, true, "repeat", r#"{"text":"hello","times":2}"#);
    }

    #[divan::bench]
    fn observed(bencher: Bencher<'_, '_>) {
        let runtime = runtime();
        let served = runtime.block_on(Served::observed());
        bencher
            .with_inputs(|| served.request("simple_text", "{}"))
            .bench_values(|request| runtime.block_on(served.send(request)));
    }

    #[divan::bench]
    fn metered(bencher: Bencher<'_, '_>) {
        let runtime = runtime();
        let served = runtime.block_on(Served::metered());
        bencher
            .with_inputs(|| served.request("simple_text", "{}"))
            .bench_values(|request| runtime.block_on(served.send(request)));
    }

    #[divan::bench]
    fn by_rmcp(bencher: Bencher<'_, '_>) {
        of(bencher, false, "simple_text", "{}");
    }
}

mod token {
    use super::{
        AtomicU64, Bencher, Credentials, Issuer, Ordering, PresentedToken, RESOURCE, Verifier,
        runtime,
    };

    fn headers(token: &str) -> http::HeaderMap {
        let mut headers = http::HeaderMap::new();
        headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
        headers
    }

    #[divan::bench]
    fn seen_before(bencher: Bencher<'_, '_>) {
        let (runtime, issuer) = (runtime(), Issuer::new());
        let verifier = issuer.verifier();
        let headers = headers(&issuer.token("alice").to_string());
        let uri = http::Uri::from_static("/mcp");
        bencher.bench(|| {
            let credentials = Credentials::read(&headers, &uri).unwrap().unwrap();
            let presented = PresentedToken::new(&credentials, RESOURCE, "POST");
            runtime.block_on(verifier.verify(presented)).unwrap()
        });
    }

    #[divan::bench]
    fn new(bencher: Bencher<'_, '_>) {
        let (runtime, issuer) = (runtime(), Issuer::new());
        let verifier = issuer.verifier();
        let uri = http::Uri::from_static("/mcp");
        let made = AtomicU64::new(0);
        bencher
            .with_inputs(|| {
                let jti = made.fetch_add(1, Ordering::Relaxed);
                headers(&issuer.token("alice").claim("jti", jti).to_string())
            })
            .bench_values(|headers| {
                let credentials = Credentials::read(&headers, &uri).unwrap().unwrap();
                let presented = PresentedToken::new(&credentials, RESOURCE, "POST");
                runtime.block_on(verifier.verify(presented)).unwrap()
            });
    }
}

/// What a scope check is by names; a server's calls compare numbers.
#[divan::bench]
fn scopes_by_name(bencher: Bencher<'_, '_>) {
    const CATALOGUE: &[Scope] = &[
        Scope { name: "text:read", description: "", access: Access::Read, implies: &[] },
        Scope { name: "text:write", description: "", access: Access::Write, implies: &[0] },
    ];
    let claims = Claims::new("https://a.example", "alice").scopes(["text:write", "openid"]);
    bencher.bench(|| scope::missing(CATALOGUE, claims.granted(), &["text:read"]));
}

#[divan::bench]
fn grant_lookup(bencher: Bencher<'_, '_>) {
    let (runtime, store) = (runtime(), MemoryStore::new());
    let key = GrantKey::new("alice", "forge");
    let grant = Grant::new("an access token", SystemTime::now())
        .scopes(["repo:read"])
        .expires_in(Duration::from_secs(3600));
    runtime.block_on(store.save(&key, &grant, Revision::ABSENT)).unwrap();
    bencher.bench(|| runtime.block_on(store.load(&key)).unwrap());
}

/// One request to an API on this machine, and what `AuthedClient` adds to it.
mod client {
    use std::{net::Ipv4Addr, sync::LazyLock, thread};

    use axum::{Router, routing::get};
    use toolgate::prelude::*;

    use super::{Bencher, runtime};

    /// An API on this machine.
    #[provider(
        api = "https://api.example",
        authorize = "https://api.example/authorize",
        token = "https://api.example/token"
    )]
    enum Api {
        /// Reads.
        #[scope("read", access = read)]
        Read,
    }

    /// It lives in a thread of its own.
    static URL: LazyLock<String> = LazyLock::new(|| {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            runtime().block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let router = Router::new().route("/texts", get(async || "a text"));
                axum::serve(listener, router).await.unwrap();
            });
        });
        url
    });

    #[divan::bench(sample_count = 400, sample_size = 50)]
    fn by_reqwest_alone(bencher: Bencher<'_, '_>) {
        let (runtime, client) = (runtime(), reqwest::Client::new());
        let url = format!("{}/texts", *URL);
        bencher.bench_local(|| {
            runtime.block_on(async {
                let request = client.get(&url).bearer_auth("token");
                let response = request.send().await.unwrap().error_for_status().unwrap();
                response.text().await.unwrap()
            })
        });
    }

    #[divan::bench(sample_count = 400, sample_size = 50)]
    fn by_authed_client(bencher: Bencher<'_, '_>) {
        let (runtime, client) = (runtime(), AuthedClient::<Api>::testing(&URL, "token"));
        bencher.bench_local(|| {
            runtime.block_on(async {
                client.get("/texts").send().await.unwrap().text().await.unwrap()
            })
        });
    }
}
