//! Names of the prelude mean something else here.
#![allow(dead_code, reason = "they only stand in the way")]

use gatekeeper::{tool, Json};

struct Option;
struct Result;
struct Vec;
struct Box;
struct Some;
struct Ok;
struct Err;
trait Send {}
trait Default {}
trait Tool {}
struct Call;
mod std {}
mod core {}
mod serde {}

/// Counts the letters of a word.
#[tool(read_only, crate = ::gatekeeper)]
pub async fn count(
    /// The word.
    #[arg(default = "toolgate", length(..=40))]
    word: String,
) -> Json<usize> {
    Json(word.len())
}
