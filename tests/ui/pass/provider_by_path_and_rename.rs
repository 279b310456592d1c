use ui::prelude::*;

mod reexport {
    pub use ui::GitHub as Host;
}

use reexport::Host as Renamed;

/// By a path.
#[tool(scopes = "repo")]
async fn by_path(_a: AuthedClient<reexport::Host>) {}

/// By another name.
#[tool(scopes = "repo")]
async fn by_rename(_a: AuthedClient<Renamed>) {}

/// By the crate.
#[tool(scopes = "repo")]
async fn by_crate(_a: AuthedClient<ui::GitHub>) {}

pub fn main() {
    let _ = (by_path, by_rename, by_crate);
    assert_eq!(tools![by_path, by_rename, by_crate].entries().len(), 3);
}
