//! How to connect each host: its command, its configuration, or a link that opens it.

use std::fmt::Write as _;

use base64::{Engine, prelude::BASE64_STANDARD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

/// What `encodeURIComponent` leaves as it is.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A server as hosts are told of it.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    /// The name under which a host keeps it.
    id: String,
    url: String,
}

impl Connection {
    /// The connection to the endpoint at `url` of the server with this name.
    pub(crate) fn new(name: &str, url: impl Into<String>) -> Self {
        let is_kept = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let id = name.replace(|c| !is_kept(c), "-");
        let id = id.trim_matches('-');
        // Hosts put it before the names of tools, which have 64 characters at most.
        let id: String = id.chars().take(32).collect();
        Self { id: if id.is_empty() { "server".to_owned() } else { id }, url: url.into() }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn claude_code(&self) -> String {
        format!("claude mcp add --transport http {} {}", self.id, shell_word(&self.url))
    }

    pub(crate) fn codex(&self) -> String {
        format!("codex mcp add {} --url {}", self.id, shell_word(&self.url))
    }

    #[cfg(feature = "inspector")]
    pub(crate) fn gemini_cli(&self) -> String {
        format!("gemini mcp add --transport http {} {}", self.id, shell_word(&self.url))
    }

    /// The table for `~/.codex/config.toml`.
    pub(super) fn codex_table(&self) -> String {
        format!("[mcp_servers.{}]\nurl = {}", self.id, json!(self.url))
    }

    pub(crate) fn vs_code(&self) -> String {
        format!("code --add-mcp {}", shell_word(&self.vs_code_server().to_string()))
    }

    /// A link that VS Code opens.
    pub(crate) fn vs_code_link(&self) -> String {
        let server = self.vs_code_server().to_string();
        format!("vscode:mcp/install?{}", utf8_percent_encode(&server, COMPONENT))
    }

    fn vs_code_server(&self) -> Value {
        json!({ "name": self.id, "type": "http", "url": self.url })
    }

    /// The content of `~/.cursor/mcp.json`, which other hosts read as well.
    pub(crate) fn cursor(&self) -> String {
        pretty(&json!({ "mcpServers": { &self.id: { "url": self.url } } }))
    }

    /// A link that Cursor opens.
    pub(crate) fn cursor_link(&self) -> String {
        let config = BASE64_STANDARD.encode(json!({ "url": self.url }).to_string());
        format!(
            "cursor://anysphere.cursor-deeplink/mcp/install?name={}&config={}",
            self.id,
            utf8_percent_encode(&config, COMPONENT)
        )
    }

    /// The content of `opencode.json`.
    pub(super) fn opencode(&self) -> String {
        pretty(&json!({
            "mcp": { &self.id: { "type": "remote", "url": self.url, "enabled": true } }
        }))
    }

    /// What the server prints when it starts. `names_inspector`: with that of the protocol, where the
    /// server has none of its own.
    pub(crate) fn summary(&self, names_inspector: bool) -> String {
        let Self { id, url } = self;
        let mut text = String::new();
        let _ = writeln!(text, "  Claude Code   {}", self.claude_code());
        let cursor = json!({ "mcpServers": { id: { "url": url } } });
        let _ = writeln!(text, "  Cursor        ~/.cursor/mcp.json: {cursor}");
        let _ = writeln!(text, "  VS Code       {}", self.vs_code());
        if names_inspector {
            let inspector = "npx @modelcontextprotocol/inspector --transport http --server-url";
            let _ = writeln!(text, "  Inspector     {inspector} {}", shell_word(url));
        }
        text
    }
}

fn pretty(value: &Value) -> String {
    format!("{value:#}")
}

/// The text as one word of a POSIX shell.
fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_host_gets_its_form() {
        let quickstart = Connection::new("quickstart", "http://127.0.0.1:8765/mcp");
        assert_eq!(
            quickstart.claude_code(),
            "claude mcp add --transport http quickstart http://127.0.0.1:8765/mcp"
        );
        assert_eq!(quickstart.codex(), "codex mcp add quickstart --url http://127.0.0.1:8765/mcp");
        assert_eq!(
            quickstart.codex_table(),
            "[mcp_servers.quickstart]\nurl = \"http://127.0.0.1:8765/mcp\""
        );
        assert_eq!(
            quickstart.vs_code(),
            r#"code --add-mcp '{"name":"quickstart","type":"http","url":"http://127.0.0.1:8765/mcp"}'"#
        );
        assert_eq!(
            quickstart.vs_code_link(),
            "vscode:mcp/install?%7B%22name%22%3A%22quickstart%22%2C%22type%22%3A%22http%22%2C%22url%22%3A%22http%3A%2F%2F127.0.0.1%3A8765%2Fmcp%22%7D"
        );
        let link = quickstart.cursor_link();
        let (start, config) = link.split_once("&config=").unwrap();
        assert_eq!(start, "cursor://anysphere.cursor-deeplink/mcp/install?name=quickstart");
        let config = percent_encoding::percent_decode_str(config).decode_utf8().unwrap();
        let config: Value =
            serde_json::from_slice(&BASE64_STANDARD.decode(&*config).unwrap()).unwrap();
        assert_eq!(config, json!({ "url": "http://127.0.0.1:8765/mcp" }));
        let opencode: Value = serde_json::from_str(&quickstart.opencode()).unwrap();
        assert_eq!(opencode["mcp"]["quickstart"]["type"], "remote");
        let cursor: Value = serde_json::from_str(&quickstart.cursor()).unwrap();
        assert_eq!(cursor["mcpServers"]["quickstart"]["url"], "http://127.0.0.1:8765/mcp");
    }

    #[test]
    fn a_name_or_a_url_does_not_end_its_word() {
        let odd = Connection::new("Acme's \"tools\"; rm -rf ~", "https://a.example/it's$(x)/mcp");
        assert_eq!(odd.id(), "Acme-s--tools---rm--rf");
        assert_eq!(
            odd.claude_code(),
            r"claude mcp add --transport http Acme-s--tools---rm--rf 'https://a.example/it'\''s$(x)/mcp'"
        );
        assert_eq!(Connection::new("工具", "https://a.example/mcp").id(), "server");
        let ipv6 = Connection::new("a", "http://[::1]:8765/mcp");
        assert!(ipv6.claude_code().ends_with("'http://[::1]:8765/mcp'"));
    }
}
