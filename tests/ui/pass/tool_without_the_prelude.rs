#![no_implicit_prelude]

use ::toolgate::{AuthedClient, tool};

/// Does something.
#[tool(scopes = "repo", title = "T", read_only = false)]
async fn t(
    _github: AuthedClient<::ui::GitHub>,
    #[arg(default = 1, range(1..=2))] _a: u8,
    #[arg(default = "x", length(..=3))] _b: ::std::string::String,
) {
}

pub fn main() {
    let _ = ::toolgate::tools![t];
    let _ = ::toolgate::path!("/a/{1}");
    let _ = t;
}
