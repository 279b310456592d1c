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

/// A page that changes while it is shown: the build script writes it, and the test rewrites it.
struct Live;

const LIVE: &str = concat!(env!("OUT_DIR"), "/live.html");

impl toolgate::tool::Tool for Live {
    const NAME: &'static str = "live";
    const DESCRIPTION: &'static str = "Shows a page that changes.";
    const VIEW: Option<toolgate::tool::View> = Some(toolgate::tool::View::file(
        LIVE,
        include_str!(concat!(env!("OUT_DIR"), "/live.html")),
    ));
    type Arguments = ();
    const ARGUMENTS: () = ();
    type Output = toolgate::Json<Vec<u8>>;

    fn call(_: &toolgate::tool::Call, (): ()) -> toolgate::tool::ToolFuture {
        toolgate::tool::ToolFuture::new::<Self>(async { toolgate::Json(vec![1, 2]) })
    }
}

#[tokio::main]
async fn main() -> toolgate::Result<()> {
    let name = std::env::var("EXAMPLE").unwrap_or_default();
    if name.is_empty() {
        println!("live {}", examples::ALL.join(" "));
        return Ok(());
    }
    if name == "live" {
        eprintln!("{LIVE}");
        let tools = toolgate::Tools::new(&[toolgate::tool::ToolEntry::new::<Live>()]);
        return toolgate::server!().tools(tools).live_views(true).serve().await;
    }
    examples::of(&name).store(toolgate::grant::MemoryStore::new()).serve().await
}
