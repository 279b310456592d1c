//! The flags of a server; each has a variable, which a flag overrides.

use std::{
    ffi::{OsStr, OsString},
    fmt::Display,
    net::{Ipv4Addr, SocketAddr},
    str::FromStr,
};

use lexopt::{Arg, Parser};

/// Where a server listens if nobody says.
const ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8765);

const STDIO: &str = "TOOLGATE_STDIO";
const HTTP: &str = "TOOLGATE_HTTP";
const CALLBACK_PORT: &str = "TOOLGATE_CALLBACK_PORT";

/// What a server is to do.
#[derive(Debug, PartialEq)]
pub(crate) enum Wanted {
    /// Say how it is used.
    Help,
    Version,
    /// Print the tools.
    Describe(Form, SocketAddr),
    /// Speak over standard input and output, with this port for the browser's return.
    Stdio(u16),
    Http(SocketAddr),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Form {
    Table,
    Json,
    Typescript,
}

impl FromStr for Form {
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

/// What is wrong, in words.
type Fault = String;

impl Wanted {
    /// What this process was started for.
    pub(crate) fn of_process() -> Result<Self, Fault> {
        Self::of(Parser::from_env(), |name| std::env::var_os(name))
    }

    fn of(mut flags: Parser, variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, Fault> {
        let (mut stdio, mut http, mut port, mut describe) = (false, None, None, None);
        while let Some(flag) = flags.next().map_err(in_words)? {
            match flag {
                Arg::Short('h') | Arg::Long("help") => return Ok(Self::Help),
                Arg::Short('V') | Arg::Long("version") => return Ok(Self::Version),
                Arg::Long("stdio") => stdio = true,
                Arg::Long("http") => http = Some(value(&mut flags, "--http")?),
                Arg::Long("callback-port") => port = Some(value(&mut flags, "--callback-port")?),
                Arg::Long("describe") => describe = Some(form(&mut flags)?),
                other => return Err(in_words(other.unexpected())),
            }
        }
        if stdio && describe.is_some() {
            return Err("`--stdio` and `--describe` are two things".to_owned());
        }
        let variable = |name: &str| variable(name).filter(|text| !text.is_empty());
        let http = either(http, HTTP, variable)?;
        if let Some(form) = describe {
            return Ok(Self::Describe(form, http.unwrap_or(ADDRESS)));
        }
        let stdio = stdio || variable(STDIO).map_or(Ok(false), |text| yes_or_no(&text))?;
        if stdio {
            return Ok(Self::Stdio(either(port, CALLBACK_PORT, variable)?.unwrap_or(0)));
        }
        Ok(Self::Http(http.unwrap_or(ADDRESS)))
    }
}

/// What the flag says, or else its variable.
fn either<T: FromStr<Err: Display>>(
    flag: Option<T>,
    name: &str,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<T>, Fault> {
    match flag {
        Some(value) => Ok(Some(value)),
        None => variable(name).map(|text| read(&text, name)).transpose(),
    }
}

fn value<T: FromStr<Err: Display>>(flags: &mut Parser, name: &str) -> Result<T, Fault> {
    read(&flags.value().map_err(in_words)?, name)
}

/// The form may be left out, and what follows a space is one unless it is a flag.
fn form(flags: &mut Parser) -> Result<Form, Fault> {
    let form = flags.optional_value().or_else(|| {
        let is_value = |text: &OsStr| !text.as_encoded_bytes().starts_with(b"-");
        flags.try_raw_args()?.next_if(is_value)
    });
    form.map_or(Ok(Form::Table), |text| read(&text, "--describe"))
}

fn read<T: FromStr<Err: Display>>(text: &OsStr, name: &str) -> Result<T, Fault> {
    let text = text.to_string_lossy();
    text.parse().map_err(|error| format!("`{text}` is no value of `{name}`: {error}"))
}

fn yes_or_no(text: &OsStr) -> Result<bool, Fault> {
    match text.to_string_lossy().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        other => Err(format!("`{other}` is no value of `{STDIO}`: it is true or false")),
    }
}

fn in_words(error: lexopt::Error) -> Fault {
    error.to_string()
}

/// How `name` is used.
pub(crate) fn help(name: &str) -> String {
    format!(
        "Usage: {name} [OPTIONS]

Options:
      --stdio                 Speak to one client over standard input and output [env: {STDIO}]
      --http <ADDRESS>        Listen for HTTP on this address of this machine [env: {HTTP}] [default: {ADDRESS}]
      --callback-port <PORT>  With --stdio: the port for the browser's return, where a provider wants a fixed one [env: {CALLBACK_PORT}] [default: 0]
      --describe [<FORM>]     Print every tool with its scopes, and end [possible values: table, json, typescript]
  -h, --help                  Print help
  -V, --version               Print version"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a server does if nobody says.
    const USUAL: Wanted = Wanted::Http(ADDRESS);

    fn wanted(flags: &[&str], variables: &[(&str, &str)]) -> Result<Wanted, String> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).into())
        };
        Wanted::of(Parser::from_args(flags), variable)
    }

    #[test]
    fn a_flag_says_more_than_its_variable() {
        let elsewhere = "127.0.0.1:1".parse().unwrap();
        assert_eq!(wanted(&[], &[]), Ok(USUAL));
        assert_eq!(wanted(&[], &[(HTTP, "127.0.0.1:1")]), Ok(Wanted::Http(elsewhere)));
        let both = wanted(&["--http=127.0.0.1:1"], &[(HTTP, "nowhere")]);
        assert_eq!(both, Ok(Wanted::Http(elsewhere)));
        assert_eq!(wanted(&["--stdio", "--callback-port", "7"], &[]), Ok(Wanted::Stdio(7)));
        assert_eq!(wanted(&[], &[(STDIO, "true"), (CALLBACK_PORT, "7")]), Ok(Wanted::Stdio(7)));
        assert_eq!(wanted(&[], &[(STDIO, "0")]), Ok(USUAL));
        assert_eq!(wanted(&[], &[(STDIO, "")]), Ok(USUAL));
    }

    #[test]
    fn the_form_of_a_description_may_be_left_out() {
        for (flags, form) in [
            (["--describe"].as_slice(), Form::Table),
            (&["--describe", "typescript"], Form::Typescript),
            (&["--describe=json"], Form::Json),
            (&["--describe", "--http", "127.0.0.1:8765"], Form::Table),
        ] {
            assert_eq!(wanted(flags, &[]), Ok(Wanted::Describe(form, ADDRESS)), "{flags:?}");
        }
        let described = wanted(&["--describe"], &[(STDIO, "true")]);
        assert_eq!(described, Ok(Wanted::Describe(Form::Table, ADDRESS)));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (flags, variables, fault) in [
            (["--htpp"].as_slice(), [].as_slice(), "--htpp"),
            (&["here"], &[], "here"),
            (&["--http"], &[], "--http"),
            (&["--http", "localhost"], &[], "`localhost` is no value of `--http`"),
            (&["--describe", "yaml"], &[], "table, json, typescript"),
            (&["--stdio", "--describe"], &[], "two things"),
            (&[], &[(STDIO, "maybe")], "`maybe` is no value of `TOOLGATE_STDIO`"),
            (&[], &[(HTTP, "x")], "`x` is no value of `TOOLGATE_HTTP`"),
        ] {
            let said = wanted(flags, variables).unwrap_err();
            assert!(said.contains(fault), "{flags:?}: {said}");
        }
    }
}
