//! Presentation of a server to hosts and people: its name, icon, description and page.

use rmcp::{ServerHandler, model::Icon};

use super::builder::Server;

impl<H: ServerHandler> Server<H> {
    /// Sets the name that people read, in hosts and on the pages of this server: `Acme Tools`. The
    /// default is the name that [`Server::new`] takes.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.identity.title = Some(title.into());
        self
    }

    /// Sets what the server is for, in a sentence or two. Hosts get it, and the
    /// [page for people](Self::landing_page) shows it to everyone.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.identity.description = Some(text.into());
        self
    }

    /// Adds an icon, as an https URL or as a `data:` URL of at most 64 KiB. Hosts get all icons; the
    /// pages of this server show the first one. PNG, JPEG, SVG and WebP are the types that MCP names.
    #[must_use]
    pub fn icon(mut self, url: impl Into<String>) -> Self {
        self.identity.icons.get_or_insert_default().push(Icon::new(url));
        self
    }

    /// Sets the URL of the server's website, which hosts get and the
    /// [page for people](Self::landing_page) links to.
    #[must_use]
    pub fn website_url(mut self, url: impl Into<String>) -> Self {
        self.identity.website_url = Some(url.into());
        self
    }

    /// Sets whether browsers that open the server get a page for people: its name, icon and tools, and
    /// how to connect each host. The default is `true`.
    ///
    /// The page is at `/mcp` for requests that ask for HTML and have nothing of a client of the
    /// protocol, and at `/` where the server answers all paths: with [`serve`](Self::serve),
    /// [`serve_http`](Self::serve_http) and [`App::into_service`](super::App::into_service), and not
    /// with [`App::into_router`](super::App::into_router), so that an application keeps its own `/`.
    ///
    /// It shows no more than the visitor may list. Behind a gate that is not
    /// [`allow_anonymous`](crate::gate::Gate::allow_anonymous), tools and instructions are shown to people who
    /// are signed in with their browser; name, description, icon and URL to everyone.
    #[must_use]
    pub fn landing_page(mut self, enabled: bool) -> Self {
        self.landing_page = enabled;
        self
    }

    /// Sets the instructions, which tell the model what the server is for.
    #[must_use]
    pub fn instructions(mut self, text: impl Into<String>) -> Self {
        self.instructions = Some(text.into());
        self
    }
}
