//! The file `.env`.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use crate::error::ConfigError;

/// The name of the file.
pub(super) const FILE_NAME: &str = ".env";

/// The most that a file may have.
const MAX_FILE_BYTES: u64 = 256 * 1024;

/// The variables of the file, once it was read.
static FILE: OnceLock<BTreeMap<String, String>> = OnceLock::new();

/// Whether there is a file that was not read.
static IS_LEFT_OUT: AtomicBool = AtomicBool::new(false);

/// Reads the file, unless it was read. `is_stdio`: a host has started the program.
pub(super) fn load(is_stdio: bool) -> Result<(), ConfigError> {
    if FILE.get().is_some() {
        return Ok(());
    }
    let Some(file) = find(is_stdio) else { return Ok(()) };
    let fault = |fault: String| ConfigError::new(format!("{}: {fault}", file.display()));
    let variables = read(&file).map_err(|error| {
        let fault = fault(error.to_string());
        let is_text = error.kind() != io::ErrorKind::InvalidData;
        if is_text { fault } else { fault.help("save it as UTF-8") }
    })?;
    let variables = parse(&variables).map_err(|line| {
        fault(format!("line {line} is not `NAME=value`"))
            .help("a value with spaces around it, `#` or quotes is put in single quotes")
    })?;
    let _ = FILE.set(variables);
    Ok(())
}

/// A value of the file.
pub(super) fn value(name: &str) -> Option<&'static str> {
    FILE.get()?.get(name).map(String::as_str)
}

/// The names of the file's variables.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FILE.get().into_iter().flat_map(BTreeMap::keys).map(String::as_str)
}

/// The value of the process, or else that of the file.
pub(super) fn process_or_file(name: &str) -> Option<OsString> {
    std::env::var_os(name).or_else(|| value(name).map(OsString::from))
}

/// The first file that exists.
///
/// With `is_stdio` the working directory is that of the host: the project that a person works on, whose
/// files may not be trusted. A file there could name another store, key or provider, and get the tokens.
fn find(is_stdio: bool) -> Option<PathBuf> {
    let existing = |directory: PathBuf| Some(directory.join(FILE_NAME)).filter(|it| it.is_file());
    let of_cargo = || existing(std::env::var_os("CARGO_MANIFEST_DIR")?.into());
    let here = existing(PathBuf::new());
    if !is_stdio {
        return here.or_else(of_cargo);
    }
    let of_cargo = of_cargo();
    if here.is_some() && of_cargo.is_none() {
        IS_LEFT_OUT.store(true, Relaxed);
    }
    of_cargo
}

/// Whether there is a file that was not read, because it is in the working directory of a host.
pub(super) fn is_left_out() -> bool {
    IS_LEFT_OUT.load(Relaxed)
}

fn read(file: &Path) -> io::Result<String> {
    if fs::metadata(file)?.len() > MAX_FILE_BYTES {
        return Err(io::Error::other(format!("it has more than {MAX_FILE_BYTES} bytes")));
    }
    fs::read_to_string(file)
}

/// The variables of a file; the last of a name counts. The error is the number of a line. Empty
/// values are left out.
fn parse(text: &str) -> Result<BTreeMap<String, String>, usize> {
    let mut variables = BTreeMap::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = parse_line(line).ok_or(at + 1)?;
        if value.is_empty() {
            variables.remove(name);
        } else {
            variables.insert(name.to_owned(), value);
        }
    }
    Ok(variables)
}

fn parse_line(line: &str) -> Option<(&str, String)> {
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = line.split_once('=')?;
    let name = name.trim();
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty()
        || name.starts_with(|c: char| c.is_ascii_digit())
        || !name.chars().all(is_name)
    {
        return None;
    }
    let value = value.trim_start();
    let (value, rest) = match value.chars().next() {
        Some('\'') => {
            let (value, rest) = value[1..].split_once('\'')?;
            (value.to_owned(), rest)
        }
        Some('"') => unescape(&value[1..])?,
        _ => (without_comment(value).to_owned(), ""),
    };
    let rest = rest.trim_start();
    (rest.is_empty() || rest.starts_with('#')).then_some((name, value))
}

/// The value before the closing quote, and what follows it.
fn unescape(quoted: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(match chars.next()?.1 {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                same @ ('"' | '\\' | '$') => same,
                _ => return None,
            }),
            _ => value.push(c),
        }
    }
    None
}

/// A value without quotes, up to a comment: a `#` at its start or after a space.
fn without_comment(value: &str) -> &str {
    let is_comment = |at: usize| value[..at].ends_with(char::is_whitespace) || at == 0;
    let end = value.match_indices('#').map(|(at, _)| at).find(|&at| is_comment(at));
    value[..end.unwrap_or(value.len())].trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_a_name_and_a_value() {
        for (line, expected) in [
            ("A=b", "b"),
            ("export A=b", "b"),
            (" A = b ", "b"),
            ("A=b c # a comment", "b c"),
            ("A=b#c", "b#c"),
            ("A='b # c' # a comment", "b # c"),
            (r"A='\n$B'", r"\n$B"),
            (r#"A="b\n\"\\\$c""#, "b\n\"\\$c"),
            ("A=https://a.example/?b=c", "https://a.example/?b=c"),
        ] {
            let found = parse(line).unwrap_or_else(|_| panic!("{line}"));
            assert_eq!(found.get("A").map(String::as_str), Some(expected), "{line}");
        }
        for empty in ["", "\n", "# A=b", "A=", "A=''", "A= # a comment", "A=b\nA=", "\u{feff}"] {
            assert_eq!(parse(empty), Ok(BTreeMap::new()), "{empty:?}");
        }
        assert_eq!(parse("\u{feff}A=1\r\nA=2\r\n").unwrap()["A"], "2", "the last one counts");
    }

    #[test]
    fn an_error_names_the_number_of_its_line() {
        for line in ["A", "=b", "1A=b", "A B=c", "A='b", "A=\"b", "A='b'c", r#"A="\x""#, "A=\"b\\"]
        {
            assert_eq!(parse(&format!("# first\n{line}\n")), Err(2), "{line}");
        }
    }
}
