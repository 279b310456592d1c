//! Usage of a server's program: its flags and variables, the text of `--help`, and the error for a flag that
//! there is not.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::support::suggest::nearest;

/// The address that a server listens on by default.
pub(super) const DEFAULT_ADDRESS: SocketAddr =
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8765);

pub(super) const STDIO: &str = "TOOLGATE_STDIO";
pub(super) const HTTP: &str = "TOOLGATE_HTTP";
pub(super) const TRUSTED_PROXIES: &str = "TOOLGATE_TRUSTED_PROXIES";
pub(super) const CALLBACK_PORT: &str = "TOOLGATE_CALLBACK_PORT";
pub(super) const INSPECTOR: &str = "TOOLGATE_INSPECTOR";
pub(super) const MANAGEMENT: &str = "TOOLGATE_MANAGEMENT";

/// Whether the program can have the inspector.
pub(super) const HAS_INSPECTOR: bool = cfg!(feature = "inspector");

/// All flags, for suggestions.
const FLAGS: [&str; 13] = [
    "callback-port",
    "config",
    "describe",
    "doctor",
    "help",
    "http",
    "inspector",
    "log-format",
    "management",
    "print-config",
    "stdio",
    "trusted-proxy",
    "version",
];

/// The error for an unknown flag.
pub(super) fn unknown_option(name: &str) -> String {
    let of_inspector = ["doctor", "inspector"];
    if !HAS_INSPECTOR && of_inspector.contains(&name) {
        return format!(
            "`--{name}` needs the feature `inspector`, which this program was built without"
        );
    }
    if ["port", "address", "bind", "host", "listen"].contains(&name) {
        return format!("there is no option `--{name}`: write `--http {DEFAULT_ADDRESS}`");
    }
    let flags = FLAGS.into_iter().filter(|flag| HAS_INSPECTOR || !of_inspector.contains(flag));
    let help =
        nearest(name, flags).map(|flag| format!(": did you mean `--{flag}`?")).unwrap_or_default();
    format!("there is no option `--{}`{help}", name.escape_debug())
}

/// The text of `--help` for the program `name`.
pub(super) fn help(name: &str) -> String {
    let inspector = if HAS_INSPECTOR {
        format!(
            "      --inspector             Show what the server does in a page for this machine [env: {INSPECTOR}] [default: in debug builds]
      --doctor [<FORMAT>]     Check the configuration, say what to do, and exit [possible values: table, json]
"
        )
    } else {
        String::new()
    };
    format!(
        "Usage: {name} [OPTIONS]
       {name} admin <COMMAND>   Administer the database: `{name} admin --help`

Options:
      --stdio                 Serve one client over standard input and output [env: {STDIO}]
      --http <ADDRESS>        Listen for HTTP on this address [env: {HTTP}] [default: {DEFAULT_ADDRESS}]
      --trusted-proxy <RANGE> Believe the forwarding headers of proxies with these addresses, like 10.0.0.0/8; may be repeated [env: {TRUSTED_PROXIES}, separated by commas]
      --management <ADDRESS>  Answer /healthz, /readyz and /metrics on this address, which strangers must not reach [env: {MANAGEMENT}]
{inspector}      --callback-port <PORT>  With --stdio: the port for OAuth callbacks, where a provider wants a fixed one [env: {CALLBACK_PORT}] [default: 0]
      --config <FILE>         Read settings from a TOML file [env: TOOLGATE_CONFIG]
      --print-config          Print the settings and where they come from, without secrets, and exit
      --log-format <FORMAT>   Write the log as text or json [env: TOOLGATE_LOG_FORMAT] [default: text]
      --describe [<FORMAT>]   Print every tool with its scopes, and exit [possible values: table, json]
  -h, --help                  Print help
  -V, --version               Print version"
    )
}
