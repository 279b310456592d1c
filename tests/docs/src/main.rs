//! Serves the example of docs/widgets.md that `EXAMPLE` names by its widget.

#[allow(dead_code, clippy::all, clippy::pedantic, reason = "it is what the page has")]
mod examples {
    include!(concat!(env!("OUT_DIR"), "/examples.rs"));

    /// The server of an example, or of all there is its list.
    pub fn of(name: &str) -> toolgate::Server {
        server(name)
    }

    /// What there is.
    pub const ALL: &[&str] = NAMES;
}

#[tokio::main]
async fn main() -> toolgate::Result<()> {
    let name = std::env::var("EXAMPLE").unwrap_or_default();
    if name.is_empty() {
        println!("{}", examples::ALL.join(" "));
        return Ok(());
    }
    examples::of(&name).store(toolgate::grant::MemoryStore::new()).serve().await
}
