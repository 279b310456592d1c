//! Many clients, and greedy ones: all others are served, and memory has a bound.
//!
//! The server is a process of its own, so that its memory is its own as well.
#![cfg(target_os = "linux")]

use std::{net::SocketAddr, time::Duration};

use futures::{StreamExt, TryStreamExt, stream};
use integration::{
    crowd::{Crowd, many_files},
    wire::{Way, Wire, head, post, request},
};
use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpStream, time::timeout};

async fn start() -> Crowd {
    let crowd = Crowd::start(env!("CARGO_BIN_EXE_crowd")).await;
    // What is made at the first use is there before anything is measured.
    for way in Way::ALL {
        adds(crowd.address, way).await;
    }
    crowd
}

async fn soon<T>(event: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(120), event).await.expect("it happens")
}

async fn adds(address: SocketAddr, way: Way) {
    let added = soon(post(address, "add", &json!({ "a": 2, "b": 3 }), way)).await;
    assert!(added.body.contains('5'), "{added:?}");
}

/// Returns when so many calls are under way.
async fn wait_for(crowd: &Crowd, calls: usize) {
    let arguments = json!({ "calls": calls });
    let all = soon(post(crowd.address, "until", &arguments, Way::Quick)).await;
    assert!(all.body.contains("they wait"), "{all:?}");
}

#[tokio::test]
async fn ten_thousand_idle_connections_cost_little_and_harm_nobody() {
    // Some are for the other tests, which run in this process as well.
    let allowed = many_files().saturating_sub(3000);
    let connections = allowed.min(10_000);
    assert!(
        connections >= 500,
        "the hard limit of open files leaves room for {connections} connections, which shows nothing"
    );
    let crowd = start().await;
    let before = crowd.resident();
    let idle: Vec<Wire> = stream::iter(0..connections)
        .map(async |n| {
            let mut wire = Wire(TcpStream::connect(crowd.address).await?);
            // Every other one has been used, and stays open for the next time.
            if n % 2 == 0 {
                wire.send(&request("add", &json!({ "a": n, "b": 0 }), Way::Quick)).await;
                assert_eq!(wire.answer().await.status, 200);
            }
            Ok::<_, std::io::Error>(wire)
        })
        .buffer_unordered(64)
        .try_collect()
        .await
        .unwrap();
    assert_eq!(idle.len(), connections);
    for way in Way::ALL {
        adds(crowd.address, way).await;
    }
    let each = (crowd.resident().saturating_sub(before) << 10) / connections;
    assert!(each < 40_000, "{each} bytes for each of {connections} idle connections");
    // One of those that waited so long is served as well.
    let mut last = idle.into_iter().next_back().unwrap();
    last.send(&request("add", &json!({ "a": 2, "b": 3 }), Way::Quick)).await;
    assert!(soon(last.answer()).await.body.contains('5'));
}

#[tokio::test]
async fn five_hundred_calls_under_way_are_all_answered() {
    const CALLS: usize = 512;
    let crowd = start().await;
    let before = crowd.resident();
    let mut calls = Vec::new();
    for n in 0..CALLS {
        let way = Way::ALL[n % 2];
        let call = request(&way.tool("wait"), &json!({}), way);
        calls.push(Wire::with(crowd.address, &call).await);
    }
    wait_for(&crowd, CALLS).await;
    for way in Way::ALL {
        adds(crowd.address, way).await;
    }
    let each = crowd.resident().saturating_sub(before) / CALLS;
    assert!(each < 150, "{each} kB for each call");
    soon(post(crowd.address, "release", &json!({}), Way::Quick)).await;
    for mut call in calls {
        let answer = soon(call.answer()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(answer.body.contains("waited"), "{answer:?}");
    }
}

#[tokio::test]
async fn a_client_that_never_reads_costs_what_one_answer_costs() {
    let crowd = start().await;
    let before = crowd.resident();
    // 1 GB of answers, asked for on one connection.
    let call = request("bulk", &json!({ "kilobytes": 1024 }), Way::Quick).repeat(16);
    let mut greedy = Wire::connect(crowd.address).await;
    let asked = async {
        for _ in 0..64 {
            greedy.0.write_all(call.as_bytes()).await?;
        }
        greedy.0.flush().await
    };
    // The kernel takes these few bytes, or the server does not read on; both are well.
    let _ = timeout(Duration::from_secs(2), asked).await;
    for way in Way::ALL {
        adds(crowd.address, way).await;
    }
    let grown = crowd.resident().saturating_sub(before);
    assert!(grown < 32 << 10, "{grown} kB");
}

#[tokio::test]
async fn progress_that_is_never_read_makes_the_tool_wait() {
    let crowd = start().await;
    let before = crowd.resident();
    let mut greedy = Vec::new();
    for _ in 0..8 {
        let call = request("talk", &json!({ "times": u32::MAX }), Way::Rmcp);
        greedy.push(Wire::with(crowd.address, &call).await);
    }
    wait_for(&crowd, 8).await;
    // As many others are served as would let them say all sorts of things in the meantime.
    for _ in 0..200 {
        adds(crowd.address, Way::Quick).await;
        adds(crowd.address, Way::Rmcp).await;
    }
    let grown = crowd.resident().saturating_sub(before);
    assert!(grown < 32 << 10, "{grown} kB");
}

#[tokio::test]
async fn sessions_without_end_do_not_grow_the_server_without_bound() {
    let crowd = start().await;
    let initialize = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": { "name": "c", "version": "1" },
    }})
    .to_string();
    let head = head(&format!("content-length: {}\r\n", initialize.len()));
    let begin = format!("{head}{initialize}");
    let mut wire = Wire::connect(crowd.address).await;
    let mut sizes = Vec::new();
    for _ in 0..6 {
        for _ in 0..500 {
            wire.send(&begin).await;
            assert_eq!(soon(wire.answer()).await.status, 200);
        }
        sizes.push(crowd.resident());
    }
    // The first of these 3000 went long ago; each is some 50 kB.
    let grown = sizes[5].saturating_sub(sizes[0]);
    assert!(grown < 16 << 10, "{grown} kB more: {sizes:?}");
    adds(crowd.address, Way::Quick).await;
}
