//! Tests as the inspector copies them: a browser test compares them with what its page copies.

mod answers;
mod refused;
mod says_what_is_wrong;

use toolgate::Server;

/// The server of that browser test. Nothing asks its providers.
fn server() -> Server {
    integration::inspected::server("http://127.0.0.1:1")
}
