//! Command-line flags of a server. Each has an environment variable, which the flag overrides.

use std::{
    ffi::{OsStr, OsString},
    fmt::Display,
    net::SocketAddr,
    str::FromStr,
};

use lexopt::{Arg, Parser};

#[cfg(any(feature = "postgres", feature = "sqlite"))]
use super::admin::arguments::Arguments;
use super::usage::{
    CALLBACK_PORT, DEFAULT_ADDRESS, HAS_INSPECTOR, HTTP, INSPECTOR, MANAGEMENT, STDIO,
    TRUSTED_PROXIES, unknown_option,
};
use crate::{env, support::forwarded::AddressRange};

/// What the process was started to do.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    Help,
    Version,
    /// Print the settings.
    PrintConfig,
    /// Administer the database.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    Admin(Arguments),
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    AdminHelp,
    /// Print the tools of the server that would listen on this address.
    Describe(OutputFormat, SocketAddr),
    /// Examine the server that would listen on this address.
    Doctor(OutputFormat, SocketAddr),
    /// Serve standard input and output, with this port for OAuth callbacks.
    Stdio(u16),
    /// Listen on this address; behind these proxies, unless the program names its own; with the
    /// inspector or without it, unless the program or the build decides; with a management listener on
    /// the other address, unless the program names one.
    Http(SocketAddr, Option<Vec<String>>, Option<bool>, Option<SocketAddr>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum OutputFormat {
    Table,
    Json,
}

impl FromStr for OutputFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "table" => Ok(Self::Table),
            "json" => Ok(Self::Json),
            _ => Err("it is one of table, json"),
        }
    }
}

impl Command {
    /// Reads the arguments and the environment of this process. The error is a message.
    pub(crate) fn from_env() -> Result<Self, String> {
        Self::parse(Parser::from_env(), env::var_os)
    }

    fn parse(
        mut flags: Parser,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, String> {
        let (mut stdio, mut http, mut port, mut describe) = (false, None, None, None);
        let (mut proxies, mut inspector, mut doctor) = (Vec::new(), None, None);
        let mut management = None;
        while let Some(flag) = flags.next().map_err(message)? {
            match flag {
                Arg::Short('h') | Arg::Long("help") => return Ok(Self::Help),
                Arg::Short('V') | Arg::Long("version") => return Ok(Self::Version),
                Arg::Long("print-config") => return Ok(Self::PrintConfig),
                // They are read where they are needed first.
                Arg::Long("config" | "log-format") => drop(flags.value().map_err(message)?),
                Arg::Long("stdio") => stdio = true,
                Arg::Long("http") => http = Some(value::<ListenAddress>(&mut flags, "--http")?),
                Arg::Long("trusted-proxy") => {
                    proxies.push(proxy(&flags.value().map_err(message)?, "`--trusted-proxy`")?);
                }
                Arg::Long("management") => {
                    management = Some(value::<ListenAddress>(&mut flags, "--management")?);
                }
                Arg::Long("callback-port") => port = Some(value(&mut flags, "--callback-port")?),
                Arg::Long("inspector") if HAS_INSPECTOR => inspector = Some(true),
                Arg::Long("doctor") if HAS_INSPECTOR => {
                    doctor = Some(output_format(&mut flags, "--doctor")?);
                }
                Arg::Long("describe") => describe = Some(output_format(&mut flags, "--describe")?),
                #[cfg(any(feature = "postgres", feature = "sqlite"))]
                Arg::Value(word) if word == "admin" => {
                    let arguments = Arguments::parse(&mut flags)?;
                    return Ok(arguments.map_or(Self::AdminHelp, Self::Admin));
                }
                Arg::Long(name) => return Err(unknown_option(name)),
                other => return Err(message(other.unexpected())),
            }
        }
        if stdio && describe.is_some() {
            return Err("`--stdio` and `--describe` exclude each other".to_owned());
        }
        if stdio && management.is_some() {
            return Err("`--stdio` and `--management` exclude each other".to_owned());
        }
        let variable = |name: &str| variable(name).filter(|text| !text.is_empty());
        let http = or_variable(http, HTTP, variable)?.map(|address| address.0);
        if let Some(format) = describe {
            return Ok(Self::Describe(format, http.unwrap_or(DEFAULT_ADDRESS)));
        }
        if let Some(format) = doctor {
            return Ok(Self::Doctor(format, http.unwrap_or(DEFAULT_ADDRESS)));
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
        let management = or_variable(management, MANAGEMENT, variable)?;
        let management = management.map(|address| address.0);
        Ok(Self::Http(http.unwrap_or(DEFAULT_ADDRESS), proxies, inspector, management))
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
        None => variable(name).map(|text| parse_value(&text, &env::described(name))).transpose(),
    }
}

fn value<T: FromStr<Err: Display>>(flags: &mut Parser, name: &str) -> Result<T, String> {
    parse_value(&flags.value().map_err(message)?, &format!("`{name}`"))
}

/// An address to listen on.
struct ListenAddress(SocketAddr);

impl FromStr for ListenAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self).map_err(|_| {
            if let Ok(ip) = text.parse() {
                let address = SocketAddr::new(ip, DEFAULT_ADDRESS.port());
                return format!("write an IP address and a port: {address}");
            }
            // `8080`, `:8080` and `localhost:8080` have a port.
            let port = text.split_once(':').map_or(text, |(_, port)| port);
            let port = port.parse().unwrap_or(DEFAULT_ADDRESS.port());
            format!("write an IP address and a port: 127.0.0.1:{port}")
        })
    }
}

/// The format is optional: what follows a space is one, unless it is a flag.
fn output_format(flags: &mut Parser, flag: &str) -> Result<OutputFormat, String> {
    let format = flags.optional_value().or_else(|| {
        let is_value = |text: &OsStr| !text.as_encoded_bytes().starts_with(b"-");
        flags.try_raw_args()?.next_if(is_value)
    });
    format.map_or(Ok(OutputFormat::Table), |text| parse_value(&text, &format!("`{flag}`")))
}

/// `name` is what the message calls the flag or the variable.
fn parse_value<T: FromStr<Err: Display>>(text: &OsStr, name: &str) -> Result<T, String> {
    let text = text.to_string_lossy();
    text.trim().parse().map_err(|error| format!("invalid value `{text}` for {name}: {error}"))
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
    ranges.map(|range| proxy(OsStr::new(range), &env::described(TRUSTED_PROXIES))).collect()
}

fn parse_bool(text: &OsStr, name: &str) -> Result<bool, String> {
    let text = text.to_string_lossy();
    let wrong = || {
        let name = env::described(name);
        format!("invalid value `{text}` for {name}: write `true` or `false`")
    };
    env::parse_bool(&text).ok_or_else(wrong)
}

fn message(error: lexopt::Error) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The command without flags and variables.
    const DEFAULT: Command = Command::Http(DEFAULT_ADDRESS, None, None, None);

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
        assert_eq!(
            parse(&[], &[(HTTP, "127.0.0.1:1")]),
            Ok(Command::Http(address, None, None, None))
        );
        let both = parse(&["--http=127.0.0.1:1"], &[(HTTP, "nowhere")]);
        assert_eq!(both, Ok(Command::Http(address, None, None, None)));
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
                Command::Http(_, proxies, ..) => proxies.unwrap_or_default().join(" "),
                other => panic!("{other:?}"),
            };
        assert_eq!(proxies(&[], ""), "");
        assert_eq!(proxies(&[], "10.0.0.0/8, ::1,127.0.0.1"), "10.0.0.0/8 ::1 127.0.0.1");
        let flags = ["--trusted-proxy", "10.1.0.0/16", "--trusted-proxy=fd00::/8"];
        assert_eq!(proxies(&flags, "192.0.2.1"), "10.1.0.0/16 fd00::/8");
    }

    #[test]
    fn the_management_listener_is_named_by_a_flag_or_a_variable() {
        let management =
            |flags: &[&str], variable: &str| match parse(flags, &[(MANAGEMENT, variable)]).unwrap()
            {
                Command::Http(_, _, _, management) => management.map(|address| address.port()),
                other => panic!("{other:?}"),
            };
        assert_eq!(management(&[], ""), None);
        assert_eq!(management(&[], "127.0.0.1:1"), Some(1));
        assert_eq!(management(&["--management", "127.0.0.1:2"], "127.0.0.1:1"), Some(2));
        let both = parse(&["--stdio", "--management", "127.0.0.1:2"], &[]).unwrap_err();
        assert!(both.contains("exclude each other"), "{both}");
        assert_eq!(parse(&["--stdio"], &[(MANAGEMENT, "127.0.0.1:2")]), Ok(Command::Stdio(0)));
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
            Command::Http(_, _, inspector, _) => inspector,
            other => panic!("{other:?}"),
        };
        assert_eq!(inspector(&[], ""), None);
        assert_eq!(inspector(&[], "false"), Some(false));
        assert_eq!(inspector(&[], "1"), Some(true));
        assert_eq!(inspector(&["--inspector"], "false"), Some(true));
        assert_eq!(
            parse(&["--doctor"], &[]),
            Ok(Command::Doctor(OutputFormat::Table, DEFAULT_ADDRESS))
        );
        let json = parse(&["--doctor", "json"], &[]);
        assert_eq!(json, Ok(Command::Doctor(OutputFormat::Json, DEFAULT_ADDRESS)));
        assert!(crate::server::usage::help("a").contains("--doctor"));
    }

    #[test]
    fn the_format_of_a_description_is_optional() {
        for (flags, format) in [
            (["--describe"].as_slice(), OutputFormat::Table),
            (&["--describe", "json"], OutputFormat::Json),
            (&["--describe=json"], OutputFormat::Json),
            (&["--describe", "--http", "127.0.0.1:8765"], OutputFormat::Table),
        ] {
            assert_eq!(
                parse(flags, &[]),
                Ok(Command::Describe(format, DEFAULT_ADDRESS)),
                "{flags:?}"
            );
        }
        let describe = parse(&["--describe"], &[(STDIO, "true")]);
        assert_eq!(describe, Ok(Command::Describe(OutputFormat::Table, DEFAULT_ADDRESS)));
    }

    #[test]
    fn errors_name_the_flag_and_the_value() {
        for (flags, variables, expected) in [
            (["--htpp"].as_slice(), [].as_slice(), "no option `--htpp`: did you mean `--http`?"),
            (&["--port", "80"], &[], "write `--http 127.0.0.1:8765`"),
            (&["--colour"], &[], "no option `--colour`"),
            (&["here"], &[], "here"),
            (&["--http"], &[], "--http"),
            (
                &["--http", "localhost"],
                &[],
                "invalid value `localhost` for `--http`: write an IP address and a port: 127.0.0.1:8765",
            ),
            (&["--http", "localhost:80"], &[], "a port: 127.0.0.1:80"),
            (&["--http=:80"], &[], "a port: 127.0.0.1:80"),
            (
                &[],
                &[(HTTP, "80")],
                "for `TOOLGATE_HTTP`: write an IP address and a port: 127.0.0.1:80",
            ),
            (&["--http", "::1"], &[], "a port: [::1]:8765"),
            (&["--http", "0.0.0.0"], &[], "a port: 0.0.0.0:8765"),
            (&["--management", "9464"], &[], "a port: 127.0.0.1:9464"),
            (&["--describe", "yaml"], &[], "one of table, json"),
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
