//! Command-line flags of a server. Each has an environment variable, which the flag overrides.

use std::{
    ffi::{OsStr, OsString},
    fmt::Display,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    str::FromStr,
};

use lexopt::{Arg, Parser};

use crate::support::forwarded::AddressRange;

/// The address that a server listens on by default.
const DEFAULT_ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8765);

const STDIO: &str = "TOOLGATE_STDIO";
const HTTP: &str = "TOOLGATE_HTTP";
const TRUSTED_PROXIES: &str = "TOOLGATE_TRUSTED_PROXIES";
const CALLBACK_PORT: &str = "TOOLGATE_CALLBACK_PORT";
const INSPECTOR: &str = "TOOLGATE_INSPECTOR";

/// Whether the program can have the inspector.
const HAS_INSPECTOR: bool = cfg!(feature = "inspector");

/// What the process was started to do.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    Help,
    Version,
    /// Print the tools of the server that would listen on this address.
    Describe(DescribeFormat, SocketAddr),
    /// Examine the server that would listen on this address.
    Doctor(SocketAddr),
    /// Serve standard input and output, with this port for OAuth callbacks.
    Stdio(u16),
    /// Listen on this address; behind these proxies, unless the program names its own; with the
    /// inspector or without it, unless the program or the build decides.
    Http(SocketAddr, Option<Vec<String>>, Option<bool>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum DescribeFormat {
    Table,
    Json,
    Typescript,
}

impl FromStr for DescribeFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "table" => Ok(Self::Table),
            "json" => Ok(Self::Json),
            "typescript" => Ok(Self::Typescript),
            _ => Err("it is one of table, json, typescript"),
        }
    }
}

impl Command {
    /// Reads the arguments and the environment of this process. The error is a message.
    pub(crate) fn from_env() -> Result<Self, String> {
        Self::parse(Parser::from_env(), |name| std::env::var_os(name))
    }

    fn parse(
        mut flags: Parser,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, String> {
        let (mut stdio, mut http, mut port, mut describe) = (false, None, None, None);
        let (mut proxies, mut inspector, mut doctor) = (Vec::new(), None, false);
        while let Some(flag) = flags.next().map_err(message)? {
            match flag {
                Arg::Short('h') | Arg::Long("help") => return Ok(Self::Help),
                Arg::Short('V') | Arg::Long("version") => return Ok(Self::Version),
                Arg::Long("stdio") => stdio = true,
                Arg::Long("http") => http = Some(value(&mut flags, "--http")?),
                Arg::Long("trusted-proxy") => {
                    proxies.push(proxy(&flags.value().map_err(message)?, "--trusted-proxy")?);
                }
                Arg::Long("callback-port") => port = Some(value(&mut flags, "--callback-port")?),
                Arg::Long("inspector") if HAS_INSPECTOR => inspector = Some(true),
                Arg::Long("doctor") if HAS_INSPECTOR => doctor = true,
                Arg::Long("describe") => describe = Some(describe_format(&mut flags)?),
                other => return Err(message(other.unexpected())),
            }
        }
        if stdio && describe.is_some() {
            return Err("`--stdio` and `--describe` exclude each other".to_owned());
        }
        let variable = |name: &str| variable(name).filter(|text| !text.is_empty());
        let http = or_variable(http, HTTP, variable)?;
        if let Some(format) = describe {
            return Ok(Self::Describe(format, http.unwrap_or(DEFAULT_ADDRESS)));
        }
        if doctor {
            return Ok(Self::Doctor(http.unwrap_or(DEFAULT_ADDRESS)));
        }
        let stdio = stdio || variable(STDIO).map_or(Ok(false), |text| parse_bool(&text, STDIO))?;
        if stdio {
            return Ok(Self::Stdio(or_variable(port, CALLBACK_PORT, variable)?.unwrap_or(0)));
        }
        let proxies = match variable(TRUSTED_PROXIES).filter(|_| proxies.is_empty()) {
            Some(list) => proxy_list(&list)?,
            None => proxies,
        };
        let proxies = Some(proxies).filter(|proxies| !proxies.is_empty());
        let set = variable(INSPECTOR).filter(|_| HAS_INSPECTOR && inspector.is_none());
        let inspector = match set {
            Some(text) => Some(parse_bool(&text, INSPECTOR)?),
            None => inspector,
        };
        Ok(Self::Http(http.unwrap_or(DEFAULT_ADDRESS), proxies, inspector))
    }
}

/// The value of a flag, or else of its environment variable.
fn or_variable<T: FromStr<Err: Display>>(
    flag: Option<T>,
    name: &str,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<T>, String> {
    match flag {
        Some(value) => Ok(Some(value)),
        None => variable(name).map(|text| parse_value(&text, name)).transpose(),
    }
}

fn value<T: FromStr<Err: Display>>(flags: &mut Parser, name: &str) -> Result<T, String> {
    parse_value(&flags.value().map_err(message)?, name)
}

/// The format is optional: what follows a space is one, unless it is a flag.
fn describe_format(flags: &mut Parser) -> Result<DescribeFormat, String> {
    let format = flags.optional_value().or_else(|| {
        let is_value = |text: &OsStr| !text.as_encoded_bytes().starts_with(b"-");
        flags.try_raw_args()?.next_if(is_value)
    });
    format.map_or(Ok(DescribeFormat::Table), |text| parse_value(&text, "--describe"))
}

fn parse_value<T: FromStr<Err: Display>>(text: &OsStr, name: &str) -> Result<T, String> {
    let text = text.to_string_lossy();
    text.parse().map_err(|error| format!("invalid value `{text}` for `{name}`: {error}"))
}

/// An address or a range, as it is written.
fn proxy(text: &OsStr, name: &str) -> Result<String, String> {
    parse_value::<AddressRange>(text, name)?;
    Ok(text.to_string_lossy().trim().to_owned())
}

/// Addresses and ranges, separated by commas or spaces.
fn proxy_list(list: &OsStr) -> Result<Vec<String>, String> {
    let list = list.to_string_lossy();
    let ranges = list.split([',', ' ']).filter(|range| !range.is_empty());
    ranges.map(|range| proxy(OsStr::new(range), TRUSTED_PROXIES)).collect()
}

fn parse_bool(text: &OsStr, name: &str) -> Result<bool, String> {
    match text.to_string_lossy().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        other => Err(format!("invalid value `{other}` for `{name}`: it is true or false")),
    }
}

fn message(error: lexopt::Error) -> String {
    error.to_string()
}

/// The text of `--help` for the program `name`.
pub(crate) fn help(name: &str) -> String {
    let inspector = if HAS_INSPECTOR {
        format!(
            "      --inspector             Show what the server does in a page for this machine [env: {INSPECTOR}] [default: in debug builds]
      --doctor                Check the configuration, say what to do, and exit
"
        )
    } else {
        String::new()
    };
    format!(
        "Usage: {name} [OPTIONS]

Options:
      --stdio                 Serve one client over standard input and output [env: {STDIO}]
      --http <ADDRESS>        Listen for HTTP on this address [env: {HTTP}] [default: {DEFAULT_ADDRESS}]
      --trusted-proxy <RANGE> Believe the forwarding headers of proxies with these addresses, like 10.0.0.0/8; may be repeated [env: {TRUSTED_PROXIES}, separated by commas]
{inspector}      --callback-port <PORT>  With --stdio: the port for OAuth callbacks, where a provider wants a fixed one [env: {CALLBACK_PORT}] [default: 0]
      --describe [<FORMAT>]   Print every tool with its scopes, and exit [possible values: table, json, typescript]
  -h, --help                  Print help
  -V, --version               Print version"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The command without flags and variables.
    const DEFAULT: Command = Command::Http(DEFAULT_ADDRESS, None, None);

    fn parse(flags: &[&str], variables: &[(&str, &str)]) -> Result<Command, String> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).into())
        };
        Command::parse(Parser::from_args(flags), variable)
    }

    #[test]
    fn a_flag_overrides_its_variable() {
        let address = "127.0.0.1:1".parse().unwrap();
        assert_eq!(parse(&[], &[]), Ok(DEFAULT));
        assert_eq!(parse(&[], &[(HTTP, "127.0.0.1:1")]), Ok(Command::Http(address, None, None)));
        let both = parse(&["--http=127.0.0.1:1"], &[(HTTP, "nowhere")]);
        assert_eq!(both, Ok(Command::Http(address, None, None)));
        assert_eq!(parse(&["--stdio", "--callback-port", "7"], &[]), Ok(Command::Stdio(7)));
        assert_eq!(parse(&[], &[(STDIO, "true"), (CALLBACK_PORT, "7")]), Ok(Command::Stdio(7)));
        assert_eq!(parse(&[], &[(STDIO, "0")]), Ok(DEFAULT));
        assert_eq!(parse(&[], &[(STDIO, "")]), Ok(DEFAULT));
    }

    #[test]
    fn trusted_proxies_are_named_by_flags_or_by_a_variable() {
        let proxies =
            |flags: &[&str], variable: &str| match parse(flags, &[(TRUSTED_PROXIES, variable)])
                .unwrap()
            {
                Command::Http(_, proxies, _) => proxies.unwrap_or_default().join(" "),
                other => panic!("{other:?}"),
            };
        assert_eq!(proxies(&[], ""), "");
        assert_eq!(proxies(&[], "10.0.0.0/8, ::1,127.0.0.1"), "10.0.0.0/8 ::1 127.0.0.1");
        let flags = ["--trusted-proxy", "10.1.0.0/16", "--trusted-proxy=fd00::/8"];
        assert_eq!(proxies(&flags, "192.0.2.1"), "10.1.0.0/16 fd00::/8");
    }

    #[cfg(feature = "inspector")]
    #[test]
    fn the_inspector_is_switched_by_a_flag_or_a_variable() {
        let inspector = |flags: &[&str], variable: &str| match parse(
            flags,
            &[(INSPECTOR, variable)],
        )
        .unwrap()
        {
            Command::Http(_, _, inspector) => inspector,
            other => panic!("{other:?}"),
        };
        assert_eq!(inspector(&[], ""), None);
        assert_eq!(inspector(&[], "false"), Some(false));
        assert_eq!(inspector(&[], "1"), Some(true));
        assert_eq!(inspector(&["--inspector"], "false"), Some(true));
        assert_eq!(parse(&["--doctor"], &[]), Ok(Command::Doctor(DEFAULT_ADDRESS)));
        assert!(help("a").contains("--doctor"));
    }

    #[test]
    fn the_format_of_a_description_is_optional() {
        for (flags, format) in [
            (["--describe"].as_slice(), DescribeFormat::Table),
            (&["--describe", "typescript"], DescribeFormat::Typescript),
            (&["--describe=json"], DescribeFormat::Json),
            (&["--describe", "--http", "127.0.0.1:8765"], DescribeFormat::Table),
        ] {
            assert_eq!(
                parse(flags, &[]),
                Ok(Command::Describe(format, DEFAULT_ADDRESS)),
                "{flags:?}"
            );
        }
        let describe = parse(&["--describe"], &[(STDIO, "true")]);
        assert_eq!(describe, Ok(Command::Describe(DescribeFormat::Table, DEFAULT_ADDRESS)));
    }

    #[test]
    fn errors_name_the_flag_and_the_value() {
        for (flags, variables, expected) in [
            (["--htpp"].as_slice(), [].as_slice(), "--htpp"),
            (&["here"], &[], "here"),
            (&["--http"], &[], "--http"),
            (&["--http", "localhost"], &[], "invalid value `localhost` for `--http`"),
            (&["--describe", "yaml"], &[], "table, json, typescript"),
            (&["--stdio", "--describe"], &[], "exclude each other"),
            (&[], &[(STDIO, "maybe")], "invalid value `maybe` for `TOOLGATE_STDIO`"),
            (&["--trusted-proxy", "x"], &[], "invalid value `x` for `--trusted-proxy`"),
            (&[], &[(TRUSTED_PROXIES, "::1,x")], "`x` for `TOOLGATE_TRUSTED_PROXIES`"),
            (&[], &[(HTTP, "x")], "invalid value `x` for `TOOLGATE_HTTP`"),
        ] {
            let error = parse(flags, variables).unwrap_err();
            assert!(error.contains(expected), "{flags:?}: {error}");
        }
    }
}
