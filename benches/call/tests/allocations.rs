//! What a call allocates, from the parsed head of its request to the last byte of its answer.

use axum::body::Body;
use call::Served;
use http::Request;

const CALLS: u64 = 100;

/// Allocations and bytes of one call.
fn of_one(tool: &str, arguments: &str, short: bool) -> (u64, u64) {
    of_one_of(Served::new(short), tool, arguments)
}

fn of_one_of(served: impl Future<Output = Served>, tool: &str, arguments: &str) -> (u64, u64) {
    measure(served, false, |served, _| served.request(tool, arguments))
}

/// Those of one call in a session of 2025-11-25.
fn in_a_session(tool: &str, arguments: &str, short: bool) -> (u64, u64) {
    measure(Served::new(short), true, |served, id| served.request_in(id, tool, arguments))
}

fn measure(
    served: impl Future<Output = Served>,
    session: bool,
    request: impl Fn(&Served, &str) -> Request<Body>,
) -> (u64, u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let served = runtime.block_on(served);
    let id = if session { runtime.block_on(served.begin_session()) } else { String::new() };
    let requests = || (0..CALLS).map(|_| request(&served, &id)).collect::<Vec<_>>();
    let send = |requests: Vec<_>| {
        runtime.block_on(async {
            for request in requests {
                served.send(request).await;
            }
        });
    };
    // What is made once is made now.
    send(requests());
    let requests = requests();
    let seen = allocation_counter::measure(|| send(requests));
    (seen.count_total / CALLS, seen.bytes_total / CALLS)
}

#[test]
fn an_authorized_call_allocates_little() {
    let (count, bytes) = of_one("simple_text", "{}", true);
    assert!(count <= 25 && bytes <= 4096, "{count} allocations of {bytes} bytes");
}

#[test]
fn arguments_cost_what_they_are() {
    let (count, bytes) = of_one("repeat", r#"{"text":"hello","times":2}"#, true);
    assert!(count <= 32 && bytes <= 4608, "{count} allocations of {bytes} bytes");
}

/// The span of the request is what events add: they borrow what they show.
#[test]
fn an_observer_adds_the_span_of_the_request() {
    let (without, _) = of_one("simple_text", "{}", true);
    let (with, _) = of_one_of(Served::observed(), "simple_text", "{}");
    assert!(with <= without + 3, "{with} and {without} allocations");
}

#[test]
fn a_call_in_a_session_allocates_as_little() {
    let (count, bytes) = in_a_session("simple_text", "{}", true);
    assert!(count <= 25 && bytes <= 4096, "{count} allocations of {bytes} bytes");
    let (count, bytes) = in_a_session("repeat", r#"{"text":"hello","times":2}"#, true);
    assert!(count <= 32 && bytes <= 4608, "{count} allocations of {bytes} bytes");
}

/// The measure measures: rmcp's way is many times dearer.
#[test]
fn the_long_way_allocates_much_more() {
    let (short, _) = of_one("simple_text", "{}", true);
    let (long, _) = of_one("simple_text", "{}", false);
    assert!(long > 4 * short, "{short} and {long} allocations");
    let (short, _) = in_a_session("simple_text", "{}", true);
    let (long, _) = in_a_session("simple_text", "{}", false);
    assert!(long > 4 * short, "{short} and {long} allocations in a session");
}
