//! A message of any bytes is answered alike by both ways of a call.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};

#[path = "../../../integration/src/two_ways.rs"]
mod two_ways;

use two_ways::{Sent, TwoWays};

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build().unwrap());
static WAYS: LazyLock<(TwoWays, String)> = LazyLock::new(|| {
    // A tool panics on demand, which is no finding.
    std::panic::set_hook(Box::new(|panic| {
        let text = panic.to_string();
        if !text.contains("as it was told to") {
            eprintln!("{text}");
            std::process::abort();
        }
    }));
    let ways = RUNTIME.block_on(TwoWays::new());
    let token = ways.token("desk:write");
    (ways, token)
});

fuzz_target!(|message: &[u8]| {
    let (ways, token) = &*WAYS;
    for tool in ["add", "echo", "fail", "count"] {
        let mut sent = Sent::call(tool, "{}", token);
        sent.body = message.to_vec();
        RUNTIME.block_on(ways.send(&sent));
    }
});
