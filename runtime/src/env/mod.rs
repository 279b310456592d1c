//! Environment of a program: the variables of its process, those of its `.env` file, and its
//! configuration file.
//!
//! A project keeps what differs from machine to machine, such as the secrets of its OAuth clients, in
//! a file `.env` that is not committed:
//!
//! ```text
//! # From https://github.com/settings/developers
//! GITHUB_CLIENT_ID=Ov23li0123456789
//! GITHUB_CLIENT_SECRET='a secret'
//! ```
//!
//! [`load`] reads it at the start of `main`. Whatever toolgate reads of the environment, such as
//! [`Provider::from_env`](crate::Provider::from_env) and the variables of [`Server::serve`](crate::Server::serve),
//! is then looked up in the process first and in the file second; [`var`] does the same for a
//! program. A configuration file (feature `config`), which `--config` or `TOOLGATE_CONFIG` names, has
//! what neither of them sets: `docs/operations.md` lists its keys. The variables of the process stay as they are, because changing them is unsafe in a
//! program with threads: `std::env::var` and child processes do not see the file.
//!
//! ```no_run
//! # async fn serve() -> toolgate::Result<()> {
//! toolgate::env::load()?;
//! let team = toolgate::env::var("TEAM").unwrap_or_else(|| "everybody".to_owned());
//! toolgate::server!().title(format!("Tools of {team}")).serve().await
//! # }
//! ```

pub(crate) mod config_file;
mod env_file;
mod misspelt;
pub(crate) mod settings;

use std::ffi::OsString;

pub(crate) use self::{misspelt::misspelt, settings::variable_prefix};
use crate::error::ConfigError;

/// The variable that names the configuration file.
const CONFIG_FILE: &str = "TOOLGATE_CONFIG";

/// The variable that says whether one client is served over standard input.
const STDIO: &str = "TOOLGATE_STDIO";

/// Reads the file `.env` of the working directory or, where there is none and cargo runs the program,
/// of its package; then the configuration file that `--config` or `TOOLGATE_CONFIG` names. Without a
/// file it does nothing.
///
/// With `--stdio`, or `TOOLGATE_STDIO` in the process, only the file of the package is read: a host starts
/// the program in the directory that a person works in, whose files may not be trusted.
///
/// A line is `NAME=value`, also after `export`. A value in single quotes is taken as it is, in double
/// quotes `\n`, `\r`, `\t`, `\"` and `\\` are escapes, and without quotes it ends before ` #`. A line
/// that begins with `#` is a comment. Nothing is substituted.
///
/// The file is read once: later calls do nothing.
///
/// # Errors
///
/// The file cannot be read, or a line is none of these. The message names the line, but not its
/// content. In the configuration file, an unknown key or a secret is an error as well, and so is a mode
/// with which every user can write it.
pub fn load() -> Result<(), ConfigError> {
    // It may say that a host has started the program. The file `.env` may name another one.
    config_file::load(std::env::var_os(CONFIG_FILE))?;
    env_file::load(is_stdio())?;
    load_config_file()
}

/// Whether one client is served over standard input, as all but the file `.env` says.
fn is_stdio() -> bool {
    let of_process = std::env::var(STDIO).ok().filter(|value| !value.is_empty());
    let value = of_process.as_deref().or_else(|| config_file::value(STDIO));
    std::env::args_os().skip(1).any(|argument| argument == "--stdio")
        || value.and_then(parse_bool) == Some(true)
}

/// Returns the value of a variable: that of the process, or else that of the file. An empty value
/// counts as unset; an empty value of the process still takes precedence over the file.
pub fn var(name: &str) -> Option<String> {
    var_os(name).and_then(|value| value.into_string().ok()).filter(|value| !value.is_empty())
}

/// As [`var`], for a variable that has to be set.
///
/// # Errors
///
/// It is not set, or not UTF-8. The message names it.
pub fn require(name: &str) -> Result<String, ConfigError> {
    var(name).ok_or_else(|| {
        ConfigError::new(format!("`{name}` is not set"))
            .help("set it in `.env` or in the environment of the program")
    })
}

/// Reads the configuration file, unless it was read.
pub(crate) fn load_config_file() -> Result<(), ConfigError> {
    config_file::load(env_file::process_or_file(CONFIG_FILE))
}

/// Whether there is a file `.env` that [`load`] did not read because of `--stdio`.
pub(crate) fn is_file_left_out() -> bool {
    env_file::is_left_out()
}

/// The value of the process, which may be empty, or else that of a file.
pub(crate) fn var_os(name: &str) -> Option<OsString> {
    env_file::process_or_file(name).or_else(|| config_file::value(name).map(OsString::from))
}

/// A value, and where it comes from: a flag of the command line, the process, or a file.
pub(crate) fn found(name: &str, flag: Option<&str>) -> Option<(String, String)> {
    let of_flag = flag.and_then(|flag| Some((flag_value(flag)?, format!("the flag {flag}"))));
    let set = |value: &OsString| !value.is_empty();
    let text = |value: OsString| value.to_string_lossy().into_owned();
    of_flag
        .or_else(|| {
            Some((text(std::env::var_os(name).filter(set)?), format!("the variable {name}")))
        })
        .or_else(|| Some((env_file::value(name)?.to_owned(), env_file::FILE_NAME.to_owned())))
        .or_else(|| Some((config_file::value(name)?.to_owned(), config_file::place(name)?)))
}

/// The name of a variable for a message about its value: with the file that sets it, if one does.
pub(crate) fn described(name: &str) -> String {
    let place = match std::env::var_os(name) {
        Some(_) => None,
        None => env_file::value(name)
            .map(|_| env_file::FILE_NAME.to_owned())
            .or_else(|| config_file::place(name)),
    };
    place.map_or_else(|| format!("`{name}`"), |place| format!("`{name}` ({place})"))
}

/// `true` and `false`, as people write them.
pub(crate) fn parse_bool(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// The value of a flag of the command line; `true` for one without a value.
fn flag_value(flag: &str) -> Option<String> {
    let mut arguments = std::env::args_os().skip(1).peekable();
    while let Some(argument) = arguments.next() {
        let argument = argument.to_string_lossy().into_owned();
        let Some(rest) = argument.strip_prefix(flag) else { continue };
        if let Some(value) = rest.strip_prefix('=') {
            return Some(value.to_owned());
        }
        if rest.is_empty() {
            let value = arguments.next_if(|next| !next.to_string_lossy().starts_with('-'));
            return Some(value.map_or("true".to_owned(), |it| it.to_string_lossy().into_owned()));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_variable_is_named() {
        assert_eq!(var("TOOLGATE_NO_SUCH_VARIABLE"), None);
        let error = require("TOOLGATE_NO_SUCH_VARIABLE").unwrap_err().to_string();
        assert!(error.contains("`TOOLGATE_NO_SUCH_VARIABLE` is not set"), "{error}");
    }
}
