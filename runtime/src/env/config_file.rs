//! Configuration file: settings in TOML.
//!
//! A value of the file takes the place of a variable that is not set, so whatever reads a variable reads
//! the file as well. Secrets are not in it: a file is copied and committed more easily than a variable.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use super::settings::{PROVIDER_SETTINGS, SETTINGS};
use crate::{
    error::ConfigError,
    support::{file_mode, suggest::nearest},
};

const FLAG: &str = "--config";

/// The most that a file may have.
const MAX_FILE_BYTES: u64 = 256 * 1024;

/// The table of the providers.
const PROVIDER: &str = "provider";

/// The file, once it was read.
static FILE: OnceLock<ConfigFile> = OnceLock::new();

/// What a file says.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct ConfigFile {
    path: PathBuf,
    /// The values, by their variables.
    values: BTreeMap<String, Entry>,
}

#[derive(Debug, PartialEq)]
struct Entry {
    value: String,
    line: usize,
    /// The provider and the key, in a table of a provider.
    of_provider: Option<(String, String)>,
}

/// Reads the file that `--config` names, or else that of its variable, once.
pub(super) fn load(variable: Option<OsString>) -> Result<(), ConfigError> {
    if FILE.get().is_some() {
        return Ok(());
    }
    let Some(path) = path(variable) else { return Ok(()) };
    let file = parse(&path, &read(&path)?)?;
    let _ = FILE.set(file);
    Ok(())
}

fn read(path: &Path) -> Result<String, ConfigError> {
    let fault = |fault: String| ConfigError::new(format!("{}: {fault}", path.display()));
    let found = fs::metadata(path).map_err(|error| fault(error.to_string()))?;
    if found.len() > MAX_FILE_BYTES {
        return Err(fault(format!("it has more than {MAX_FILE_BYTES} bytes")));
    }
    // A device such as `/dev/null` is not a file that settings are put into.
    if found.is_file() && file_mode::everyone_may_write(&found) {
        return Err(ConfigError::new(file_mode::writable_by_everyone(path)));
    }
    fs::read_to_string(path).map_err(|error| fault(error.to_string()))
}

/// The value of a variable in the file.
pub(super) fn value(name: &str) -> Option<&'static str> {
    Some(&FILE.get()?.values.get(name)?.value)
}

/// The file and the line that set a variable.
pub(super) fn place(name: &str) -> Option<String> {
    let file = FILE.get()?;
    Some(format!("{}:{}", file.path.display(), file.values.get(name)?.line))
}

/// Fails for a table of a provider that the program does not have, and for a key that the provider does
/// not have: its ID, and the names of its placeholders.
pub(crate) fn check_providers(known: &[(&str, Vec<&str>)]) -> Result<(), ConfigError> {
    let Some(file) = FILE.get() else { return Ok(()) };
    file.check_providers(known)
}

fn path(variable: Option<OsString>) -> Option<PathBuf> {
    let mut arguments = std::env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == FLAG {
            return arguments.next().map(PathBuf::from);
        }
        if let Some(path) = argument.to_str().and_then(|text| text.strip_prefix("--config=")) {
            return Some(path.into());
        }
    }
    variable.filter(|path| !path.is_empty()).map(PathBuf::from)
}

impl ConfigFile {
    fn check_providers(&self, known: &[(&str, Vec<&str>)]) -> Result<(), ConfigError> {
        for entry in self.values.values() {
            let Some((provider, key)) = &entry.of_provider else { continue };
            let ids = known.iter().map(|(id, _)| *id);
            let found = known.iter().find(|(id, _)| id == provider);
            let Some((_, placeholders)) = found else {
                return Err(unknown(&self.path, entry.line, provider, ids));
            };
            let standard = PROVIDER_SETTINGS.iter().map(|(name, ..)| name.to_ascii_lowercase());
            let own =
                placeholders.iter().flat_map(|name| [(*name).to_owned(), format!("{name}_url")]);
            let keys: Vec<String> = standard.chain(own).collect();
            if !keys.contains(key) {
                let keys = keys.iter().map(String::as_str);
                return Err(unknown(&self.path, entry.line, key, keys));
            }
        }
        Ok(())
    }
}

/// The error for a name that is unknown.
fn unknown<'k>(
    path: &Path,
    line: usize,
    name: &str,
    known: impl Iterator<Item = &'k str> + Clone,
) -> ConfigError {
    let problem = format!("{}:{line}: `{}` is no setting", path.display(), name.escape_debug());
    let error = ConfigError::new(problem);
    match nearest(name, known.clone()) {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => error.help(format!("it is one of {}", known.collect::<Vec<_>>().join(", "))),
    }
}

#[cfg(not(feature = "config"))]
fn parse(path: &Path, _: &str) -> Result<ConfigFile, ConfigError> {
    let _ = (SETTINGS, PROVIDER, unknown(path, 0, "", std::iter::empty()));
    Err(ConfigError::new(format!("{}: this program reads no configuration file", path.display()))
        .help("it was built without the feature `config` of toolgate"))
}

#[cfg(feature = "config")]
fn parse(path: &Path, text: &str) -> Result<ConfigFile, ConfigError> {
    reading::parse(path, text)
}

#[cfg(feature = "config")]
mod reading {
    use std::path::Path;

    use toml::de::{DeTable, DeValue};

    use super::{
        super::settings::{Setting, variable_prefix},
        ConfigError, ConfigFile, Entry, PROVIDER, PROVIDER_SETTINGS, SETTINGS, unknown,
    };
    use crate::support::url::has_password;

    struct Reading<'a> {
        path: &'a Path,
        text: &'a str,
        file: ConfigFile,
    }

    pub(super) fn parse(path: &Path, text: &str) -> Result<ConfigFile, ConfigError> {
        let file = ConfigFile { path: path.to_owned(), ..ConfigFile::default() };
        let mut reading = Reading { path, text, file };
        let table = DeTable::parse(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            reading.fault(at, &format!("it is not TOML: {}", error.message()))
        })?;
        reading.read(table.get_ref())?;
        Ok(reading.file)
    }

    impl Reading<'_> {
        fn line(&self, at: usize) -> usize {
            self.text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1
        }

        fn fault(&self, at: usize, problem: &str) -> ConfigError {
            ConfigError::new(format!("{}:{}: {problem}", self.path.display(), self.line(at)))
        }

        fn read(&mut self, table: &DeTable<'_>) -> Result<(), ConfigError> {
            for (key, value) in table {
                let (at, key) = (key.span().start, key.get_ref().as_ref());
                if key == PROVIDER {
                    self.read_providers(at, value.get_ref())?;
                    continue;
                }
                let is_it = |setting: &&Setting| setting.key() == key;
                let Some(setting) = SETTINGS.iter().find(is_it) else {
                    let keys: Vec<_> =
                        SETTINGS.iter().filter(|it| !it.is_secret).map(Setting::key).collect();
                    let known = keys.iter().map(String::as_str).chain([PROVIDER]);
                    return Err(unknown(self.path, self.line(at), key, known));
                };
                if setting.is_secret {
                    return Err(self.secret(at, key, setting.variable));
                }
                let text = self.text_of(at, key, value.get_ref())?;
                if setting.variable == "TOOLGATE_STORE" && has_password(&text) {
                    let problem = "`store` has a password, and a secret is not in the file";
                    let help = "name a file with the URL in `store_file`, or set TOOLGATE_STORE";
                    return Err(self.fault(at, problem).help(help));
                }
                if setting.variable == "TOOLGATE_CONFIG" {
                    return Err(self.fault(at, "a configuration file does not name another one"));
                }
                self.insert(setting.variable.to_owned(), at, text, None);
            }
            Ok(())
        }

        fn read_providers(&mut self, at: usize, value: &DeValue<'_>) -> Result<(), ConfigError> {
            let Some(providers) = value.as_table() else {
                return Err(
                    self.fault(at, "`provider` has a table for each provider: `[provider.github]`")
                );
            };
            for (id, table) in providers {
                let (at, id) = (id.span().start, id.get_ref().as_ref().to_owned());
                let Some(table) = table.get_ref().as_table() else {
                    return Err(self.fault(at, "a provider is a table: `[provider.github]`"));
                };
                for (key, value) in table {
                    let (at, key) = (key.span().start, key.get_ref().as_ref().to_owned());
                    let prefix = variable_prefix(&id);
                    let variable = format!("{prefix}_{}", key.to_uppercase());
                    let secret = PROVIDER_SETTINGS
                        .iter()
                        .any(|(name, is_secret, _)| *is_secret && name.eq_ignore_ascii_case(&key));
                    if secret {
                        return Err(self.secret(at, &key, &variable));
                    }
                    let text = self.text_of(at, &key, value.get_ref())?;
                    self.insert(variable, at, text, Some((id.clone(), key)));
                }
            }
            Ok(())
        }

        fn secret(&self, at: usize, key: &str, variable: &str) -> ConfigError {
            let problem = format!("`{key}` is a secret, and a secret is not in the file");
            let help = format!("name a file with it in `{key}_file`, or set {variable}");
            self.fault(at, &problem).help(help)
        }

        fn insert(
            &mut self,
            variable: String,
            at: usize,
            value: String,
            of_provider: Option<(String, String)>,
        ) {
            let entry = Entry { value, line: self.line(at), of_provider };
            self.file.values.insert(variable, entry);
        }

        /// A value as a variable has it: lists are separated by commas.
        fn text_of(
            &self,
            at: usize,
            key: &str,
            value: &DeValue<'_>,
        ) -> Result<String, ConfigError> {
            Ok(match value {
                DeValue::String(text) => text.as_ref().to_owned(),
                DeValue::Integer(number) => number.as_str().to_owned(),
                DeValue::Boolean(is_so) => is_so.to_string(),
                DeValue::Array(items) => {
                    let texts = items.iter().map(|item| self.text_of(at, key, item.get_ref()));
                    texts.collect::<Result<Vec<_>, _>>()?.join(",")
                }
                _ => {
                    let problem =
                        format!("`{key}` is a text, a number, true or false, or a list of them");
                    return Err(self.fault(at, &problem));
                }
            })
        }
    }
}

#[cfg(all(test, feature = "config"))]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<ConfigFile, String> {
        parse(Path::new("server.toml"), text).map_err(|error| error.to_string())
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_every_user_can_write_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("server.toml");
        fs::write(&file, "stdio = true").unwrap();
        let read_with = |mode| {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            read(&file)
        };
        assert_eq!(read_with(0o664).unwrap(), "stdio = true", "as with the umask 002");
        let error = read_with(0o666).unwrap_err().to_string();
        assert!(error.contains(&format!("run `chmod o-w {}`", file.display())), "{error}");
    }

    #[test]
    fn a_key_is_the_value_of_a_variable() {
        let file = parsed(
            "http = \"0.0.0.0:80\"\ntrusted_proxies = [\"10.0.0.0/8\", \"::1\"]\ndrain_delay = 5\nstdio = false\n[provider.my-hub]\nclient_id = \"abc\"\n",
        );
        let file = file.unwrap();
        for (name, value, line) in [
            ("TOOLGATE_HTTP", "0.0.0.0:80", 1),
            ("TOOLGATE_TRUSTED_PROXIES", "10.0.0.0/8,::1", 2),
            ("TOOLGATE_DRAIN_DELAY", "5", 3),
            ("TOOLGATE_STDIO", "false", 4),
            ("MY_HUB_CLIENT_ID", "abc", 6),
        ] {
            let entry = &file.values[name];
            assert_eq!((entry.value.as_str(), entry.line), (value, line), "{name}");
        }
        assert_eq!(file.check_providers(&[("my-hub", vec![])]), Ok(()));
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line_and_the_nearest() {
        let error = parsed("\ndrain_dealy = 5\n").unwrap_err();
        assert!(
            error.contains("server.toml:2") && error.contains("did you mean `drain_delay`"),
            "{error}"
        );
        let error = parsed("[server]\nhttp = \"a\"").unwrap_err();
        assert!(error.contains("`server` is no setting"), "{error}");
        let file = parsed("[provider.github]\nclient_idd = \"a\"").unwrap();
        let error = file.check_providers(&[("github", vec!["tenant"])]).unwrap_err().to_string();
        assert!(
            error.contains("server.toml:2") && error.contains("did you mean `client_id`"),
            "{error}"
        );
        let error = file.check_providers(&[("gitlab", vec![])]).unwrap_err().to_string();
        assert!(error.contains("`github` is no setting") && error.contains("gitlab"), "{error}");
        assert!(parsed("http = ").unwrap_err().contains("server.toml:1: it is not TOML"));
    }

    #[test]
    fn a_secret_is_refused_in_words_and_not_repeated() {
        for text in [
            "key = \"hunter2\"",
            "keys = [\"hunter2\"]",
            "[provider.github]\nclient_secret = \"hunter2\"",
            "store = \"postgres://u:hunter2@db/grants\"",
            "store = \"postgres://db/grants?password=hunter2\"",
            "store = \"postgres://a:5432,b:5433/grants?user=u&password=hunter2\"",
            "store = \"host=db password=hunter2\"",
        ] {
            let error = parsed(text).unwrap_err();
            assert!(error.contains("a secret is not in the file"), "{error}");
            assert!(error.contains("_file`") && !error.contains("hunter2"), "{error}");
        }
        assert!(parsed("store = \"sqlite:/var/lib/tools\"").is_ok());
    }
}
