//! The server's name and icon, which all of its pages show.

use maud::{Markup, html};
use rmcp::model::Implementation;
use url::Url;

use crate::{error::ConfigError, support::url::is_secure};

/// The largest icon that is a `data:` URL: hosts get it with every `initialize`.
const MAX_ICON_BYTES: usize = 64 << 10;

/// What every page of a server shows of it.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    name: String,
    icon: Option<Icon>,
}

/// An icon, and the source of the `img-src` directive that allows it (CSP3 §6.1).
#[derive(Clone, Debug)]
struct Icon {
    url: String,
    source: String,
}

impl Site {
    /// The site of a server with this identity.
    ///
    /// # Errors
    ///
    /// An icon is no image at an https URL or in a `data:` URL.
    pub(crate) fn new(identity: &Implementation) -> Result<Self, ConfigError> {
        let icons = identity.icons.iter().flatten().map(|icon| Icon::new(&icon.src));
        let icons = icons.collect::<Result<Vec<_>, _>>()?;
        let name = identity.title.as_ref().unwrap_or(&identity.name).clone();
        Ok(Self { name, icon: icons.into_iter().next() })
    }

    /// The name that people read.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The sources of images on a page.
    pub(super) fn image_sources(&self) -> Option<&str> {
        self.icon.as_ref().map(|icon| &*icon.source)
    }

    /// The link to the icon, for the head of a page.
    pub(super) fn favicon(&self) -> Markup {
        html! { @if let Some(icon) = &self.icon { link rel="icon" href=(icon.url); } }
    }

    /// The line above a page: the icon, or the first letter of the name, and the name.
    pub(super) fn header(&self) -> Markup {
        html! {
            header.site {
                @match &self.icon {
                    Some(icon) => { img src=(icon.url) alt="" width="28" height="28"; }
                    None => {
                        span.mark aria-hidden="true" { @if let Some(letter) = self.name.chars().next() { (letter.to_uppercase()) } }
                    }
                }
                span { (self.name) }
            }
        }
    }
}

impl Icon {
    fn new(url: &str) -> Result<Self, ConfigError> {
        let parsed = Url::parse(url).ok();
        let source = match &parsed {
            Some(parsed) if parsed.scheme() == "data" && parsed.path().starts_with("image/") => {
                if url.len() > MAX_ICON_BYTES {
                    return Err(ConfigError::new(format!(
                        "an icon of {} KiB goes to hosts with every `initialize`; at most {} KiB",
                        url.len() >> 10,
                        MAX_ICON_BYTES >> 10
                    ))
                    .help("give the URL of the picture"));
                }
                "data:".to_owned()
            }
            Some(parsed) if is_secure(parsed) => parsed.origin().ascii_serialization(),
            _ => {
                let shown: String = url.chars().take(80).collect();
                return Err(ConfigError::new(format!("the icon `{}`", shown.escape_debug()))
                    .help("an icon is an https URL, or a picture as `data:image/png;base64,..`"));
            }
        };
        let url = parsed.map_or_else(String::new, String::from);
        Ok(Self { url, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_icon_is_a_picture_that_pages_may_load() {
        for (url, source) in [
            ("https://cdn.example/a;b,c d.png?x=1", Some("https://cdn.example")),
            ("https://cdn.example:8443/a.svg", Some("https://cdn.example:8443")),
            ("http://127.0.0.1:9/a.png", Some("http://127.0.0.1:9")),
            ("data:image/svg+xml,%3Csvg/%3E", Some("data:")),
            ("data:text/html,%3Cscript%3E", None),
            ("http://cdn.example/a.png", None),
            ("javascript:alert(1)", None),
            ("/icon.png", None),
            ("", None),
        ] {
            let found = Icon::new(url).ok().map(|icon| icon.source);
            assert_eq!(found.as_deref(), source, "{url}");
        }
        let large = format!("data:image/png;base64,{}", "A".repeat(MAX_ICON_BYTES));
        assert!(Icon::new(&large).unwrap_err().to_string().contains("at most 64 KiB"));
    }

    #[test]
    fn the_title_is_the_name_for_people() {
        let mut identity = Implementation::new("toolgate-quickstart", "1");
        assert_eq!(Site::new(&identity).unwrap().name(), "toolgate-quickstart");
        identity.title = Some("Quick & <b>start</b>".to_owned());
        let header = Site::new(&identity).unwrap().header().into_string();
        assert!(header.contains("Quick &amp; &lt;b&gt;start&lt;/b&gt;"), "{header}");
    }
}
