//! Code of the guides, which doctests compile.

/// Compiles the code of the guides.
#[doc = include_str!("../../docs/accounts.md")]
#[doc = include_str!("../../docs/arguments.md")]
#[doc = include_str!("../../docs/behind-a-proxy.md")]
#[doc = include_str!("../../docs/identity.md")]
#[doc = include_str!("../../docs/operations.md")]
#[doc = include_str!("../../docs/widgets.md")]
struct Guides;

/// Compiles the code of the guide on transports.
#[cfg(all(doctest, feature = "websocket"))]
#[doc = include_str!("../../docs/transports.md")]
struct Transports;
