//! Arguments of `admin`.

use std::time::SystemTime;

use lexopt::{Arg, Parser};

use crate::support::{escape::escape, rfc3339};

/// What an operator asks for.
#[derive(Debug, PartialEq)]
pub(crate) struct Arguments {
    pub(crate) command: AdminCommand,
    /// Whether the output is JSON, one object a line.
    pub(crate) json: bool,
}

#[derive(Debug, PartialEq)]
pub(crate) enum AdminCommand {
    List,
    Show {
        person: String,
    },
    Revoke {
        person: String,
        provider: Option<String>,
    },
    Delete {
        person: String,
    },
    RotateKeys,
    /// Without a target it is the store of the environment.
    Migrate {
        from: String,
        to: Option<String>,
        mode: Mode,
    },
    Verify,
    ExportAudit(Selection),
}

/// Which entries of the audit are exported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    /// From this time on.
    pub(crate) since: Option<SystemTime>,
    /// Before this time.
    pub(crate) until: Option<SystemTime>,
    /// Of this person.
    pub(crate) subject: Option<String>,
}

/// How far a migration goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// To its end: the source is closed.
    Whole,
    /// Copies, and leaves the source open.
    Prepare,
    /// Opens the source again.
    Cancel,
}

/// The text of `admin --help`.
pub(crate) const HELP: &str = "Usage: admin <COMMAND> [--json]

Works on the database that the server uses, also while servers run.

Commands:
  list                        Print every person's grants: providers, scopes, expiry; never a token
  show <PERSON>               Print one person's grants
  revoke <PERSON> [PROVIDER]  Remove grants, and revoke them at the provider
  delete <PERSON>             Remove everything of a person, and print what is kept and why
  rotate-keys                 Seal all rows under the first key of TOOLGATE_KEYS
  migrate <FROM> [<TO>]       Move an SQLite database to PostgreSQL, as two URLs of TOOLGATE_STORE
                              [default of TO: TOOLGATE_STORE or TOOLGATE_STORE_FILE; other users can
                              read arguments, so give a URL with a password there]
      --prepare               Copy only: servers go on with FROM, and a second run copies little
      --cancel                Let servers go on with FROM
  verify                      Open every row; the exit code is 1 where one does not open
  export-audit                Print who connected, refused, ended and administered what, as JSON lines
      --since <TIME>          From this time on: 2026-07-28, or 2026-07-28T09:30:00Z
      --until <TIME>          Before this time
      --subject <PERSON>      Of one person

Options:
      --json                  Print one JSON object a line";

impl Arguments {
    /// Reads what follows `admin`. `Ok(None)`: help is asked for. The error is a message.
    pub(crate) fn parse(flags: &mut Parser) -> Result<Option<Self>, String> {
        let (mut words, mut json, mut mode) = (Vec::new(), false, Mode::Whole);
        let mut selection = Selection::default();
        while let Some(flag) = flags.next().map_err(|error| error.to_string())? {
            match flag {
                Arg::Short('h') | Arg::Long("help") => return Ok(None),
                Arg::Long("json") => json = true,
                Arg::Long("prepare") if mode == Mode::Whole => mode = Mode::Prepare,
                Arg::Long("cancel") if mode == Mode::Whole => mode = Mode::Cancel,
                Arg::Long("since") => selection.since = Some(time(flags)?),
                Arg::Long("until") => selection.until = Some(time(flags)?),
                Arg::Long("subject") => selection.subject = Some(value(flags)?),
                Arg::Value(word) => {
                    words.push(word.into_string().map_err(|_| "an argument is not UTF-8")?);
                }
                other => return Err(other.unexpected().to_string()),
            }
        }
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let command = match *words {
            [] => return Ok(None),
            ["list"] => AdminCommand::List,
            ["show", person] => AdminCommand::Show { person: person.to_owned() },
            ["revoke", person] => {
                AdminCommand::Revoke { person: person.to_owned(), provider: None }
            }
            ["revoke", person, provider] => AdminCommand::Revoke {
                person: person.to_owned(),
                provider: Some(provider.to_owned()),
            },
            ["delete", person] => AdminCommand::Delete { person: person.to_owned() },
            ["rotate-keys"] => AdminCommand::RotateKeys,
            ["migrate", from] => AdminCommand::Migrate { from: from.to_owned(), to: None, mode },
            ["migrate", from, to] => {
                AdminCommand::Migrate { from: from.to_owned(), to: Some(to.to_owned()), mode }
            }
            ["verify"] => AdminCommand::Verify,
            ["export-audit"] => AdminCommand::ExportAudit(selection.clone()),
            _ => return Err("these arguments of `admin` are none of its commands".to_owned()),
        };
        if mode != Mode::Whole && !matches!(command, AdminCommand::Migrate { .. }) {
            return Err("`--prepare` and `--cancel` are of `admin migrate`".to_owned());
        }
        let selects = selection != Selection::default();
        if selects && !matches!(command, AdminCommand::ExportAudit(_)) {
            let text = "`--since`, `--until` and `--subject` are of `admin export-audit`";
            return Err(text.to_owned());
        }
        Ok(Some(Self { command, json }))
    }
}

fn value(flags: &mut Parser) -> Result<String, String> {
    let value = flags.value().map_err(|error| error.to_string())?;
    value.into_string().map_err(|_| "an argument is not UTF-8".to_owned())
}

fn time(flags: &mut Parser) -> Result<SystemTime, String> {
    let text = value(flags)?;
    rfc3339::parse(&text).ok_or_else(|| {
        format!("`{}` is no time as RFC 3339 has them, such as 2026-07-28T09:30:00Z", escape(&text))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Option<Arguments>, String> {
        Arguments::parse(&mut Parser::from_args(words))
    }

    #[test]
    fn a_command_has_its_arguments_and_no_others() {
        let command = |words: &[&str]| parse(words).unwrap().unwrap();
        assert_eq!(
            command(&["list", "--json"]),
            Arguments { command: AdminCommand::List, json: true }
        );
        let revoke = command(&["revoke", "alice", "github"]).command;
        let provider = Some("github".to_owned());
        assert_eq!(revoke, AdminCommand::Revoke { person: "alice".to_owned(), provider });
        let export = command(&["export-audit", "--since", "1970-01-02", "--subject=alice"]).command;
        let since = SystemTime::UNIX_EPOCH.checked_add(std::time::Duration::from_secs(86_400));
        let subject = Some("alice".to_owned());
        assert_eq!(export, AdminCommand::ExportAudit(Selection { since, until: None, subject }));
        assert_eq!(parse(&[]), Ok(None));
        assert_eq!(parse(&["verify", "--help"]), Ok(None));
        for wrong in [
            &["list", "alice"][..],
            &["delete"],
            &["verify", "--cancel"],
            &["drop"],
            &["list", "--since", "2026-07-28"],
            &["export-audit", "--until", "tomorrow"],
        ] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
