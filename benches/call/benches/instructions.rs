//! `cargo bench -p call --bench instructions`: what a call costs in instructions, which is nearly the
//! same on every machine, and may not become more. It needs Valgrind and `gungraun-runner`.
#![allow(missing_docs, unused_qualifications, reason = "what the macros write")]

use std::hint::black_box;

use axum::body::Body;
use call::Served;
use gungraun::{
    Callgrind, EventKind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main,
};
use http::Request;
use tokio::runtime::{Builder, Runtime};

struct Ready {
    runtime: Runtime,
    served: Served,
    request: Request<Body>,
}

/// What is made once is made, and the token was seen before.
fn ready(tool: &str, arguments: &str) -> Ready {
    ready_at(Served::new(true), tool, arguments)
}

/// The same at a server that counts its calls for Prometheus.
fn ready_and_metered(tool: &str, arguments: &str) -> Ready {
    ready_at(Served::metered(), tool, arguments)
}

fn ready_at(served: impl Future<Output = Served>, tool: &str, arguments: &str) -> Ready {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let served = runtime.block_on(served);
    for _ in 0..3 {
        runtime.block_on(served.send(served.request(tool, arguments)));
    }
    let request = served.request(tool, arguments);
    Ready { runtime, served, request }
}

/// The same in a session of 2025-11-25, which a call was in before.
fn ready_in_a_session(tool: &str, arguments: &str) -> Ready {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let served = runtime.block_on(Served::new(true));
    let session = runtime.block_on(served.begin_session());
    for _ in 0..3 {
        runtime.block_on(served.send(served.request_in(&session, tool, arguments)));
    }
    let request = served.request_in(&session, tool, arguments);
    Ready { runtime, served, request }
}

fn ready_to_initialize() -> Ready {
    let ready = ready("simple_text", "{}");
    ready.runtime.block_on(ready.served.begin_session());
    Ready { request: ready.served.initialize(), ..ready }
}

fn at_most(instructions: u64) -> LibraryBenchmarkConfig {
    let mut config = LibraryBenchmarkConfig::default();
    config.tool(Callgrind::default().hard_limits([(EventKind::Ir, instructions)]));
    config
}

#[library_benchmark(config = at_most(65_000))]
#[bench::without_arguments(args = ("simple_text", "{}"), setup = ready)]
#[bench::with_arguments(args = ("repeat", r#"{"text":"hello","times":2}"#), setup = ready)]
fn authorized(ready: Ready) -> (usize, Runtime, Served) {
    answered(ready)
}

#[library_benchmark(config = at_most(75_000))]
#[bench::without_arguments(args = ("simple_text", "{}"), setup = ready_and_metered)]
fn metered(ready: Ready) -> (usize, Runtime, Served) {
    answered(ready)
}

#[library_benchmark(config = at_most(74_000))]
#[bench::without_arguments(args = ("simple_text", "{}"), setup = ready_in_a_session)]
#[bench::with_arguments(args = ("repeat", r#"{"text":"hello","times":2}"#), setup = ready_in_a_session)]
fn in_a_session(ready: Ready) -> (usize, Runtime, Served) {
    answered(ready)
}

#[library_benchmark(config = at_most(250_000))]
#[bench::initialize(setup = ready_to_initialize)]
fn session_begun(ready: Ready) -> (usize, Runtime, Served) {
    answered(ready)
}

fn answered(ready: Ready) -> (usize, Runtime, Served) {
    let Ready { runtime, served, request } = ready;
    let length = black_box(runtime.block_on(served.send(request)));
    // What is dropped here would be counted.
    (length, runtime, served)
}

library_benchmark_group!(
    name = calls,
    benchmarks = [authorized, metered, in_a_session, session_begun]
);
main!(library_benchmark_groups = calls);
