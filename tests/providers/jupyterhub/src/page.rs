//! The program of `docs/add-your-provider.md`, as `build.rs` takes it from the page.

include!(concat!(env!("OUT_DIR"), "/page.rs"));
