//! `.env.example`: the variables of a project, with what is done in each console.

use std::fmt::Write as _;

use super::{
    answers::{Answers, Store},
    gate::prefix,
};
use crate::catalogue::{Preset, Provider};

const HEAD: &str = "# Nothing of this is needed at first: people sign in with one click, and stand-ins on this machine take
# the place of the providers. Copy the file to `.env`, which is not committed, and set what you have.
# Variables of the process win over the file; an empty one counts as not set.

";

const SERVER: &str = "
# The URL at which others reach the server: https, except on this machine. Redirect URIs begin with it.
#TOOLGATE_PUBLIC_URL=https://tools.example
# The proxies that stand before it.
#TOOLGATE_TRUSTED_PROXIES=10.0.0.0/8
# Where the database is; by default a folder of yours.
#TOOLGATE_DATA=data
# The key that seals it, as `openssl rand -base64 32` prints it, in place of a file in ~/.config/toolgate.
# Never keep it next to the database.
#TOOLGATE_KEY=
";

const POSTGRES: &str = "
# PostgreSQL, in place of SQLite. It has no file for the key, so TOOLGATE_KEY has to be set as well.
#TOOLGATE_STORE=postgres://USER:PASSWORD@HOST/DATABASE
";

pub(super) fn of(answers: &Answers) -> String {
    let mut sections = Vec::new();
    if let Some(preset) = answers.sign_in.preset() {
        sections.push(of_gate(preset, !answers.providers.is_empty()));
    }
    sections.extend(answers.providers.iter().map(|chosen| of_provider(chosen.provider)));
    let head = if answers.sign_in.broker().is_some() {
        HEAD.replace("people sign in with one click, and stand-ins", "stand-ins")
    } else {
        HEAD.to_owned()
    };
    let store = if answers.store == Store::Postgres { POSTGRES } else { "" };
    format!("{head}{}{store}{SERVER}", sections.join("\n"))
}

/// The section of a provider.
pub(crate) fn of_provider(provider: &Provider) -> String {
    let mut text = format!("# {}: {}\n", provider.name, provider.documentation);
    numbered(&mut text, &provider.steps);
    let _ = match &provider.local_redirect_uri {
        Some(uri) if uri.contains("localhost") => write!(
            text,
            "#\n# Redirect URI: {uri}\n# It wants this name for your machine: set TOOLGATE_PUBLIC_URL=http://localhost:8765 as well.\n"
        ),
        Some(uri) => write!(text, "#\n# Redirect URI: {uri}\n"),
        None => write!(
            text,
            "#\n# Redirect URI: https://tools.example{}\n# It wants https: set TOOLGATE_PUBLIC_URL, and sign people in with a gate or a broker.\n",
            provider.callback_path()
        ),
    };
    for (at, variable) in provider.variables.iter().enumerate() {
        let hash = if at < 2 { "" } else { "#" };
        let _ = writeln!(text, "{hash}{variable}=");
    }
    text
}

/// The section of a gate.
pub(crate) fn of_gate(preset: &Preset, links: bool) -> String {
    let mut text = format!("# {}: {}\n# {}:\n", preset.name, preset.documentation, preset.place);
    numbered(&mut text, &preset.steps);
    text.push_str("#\n# The URL of the resource is TOOLGATE_PUBLIC_URL with `/mcp`: http://127.0.0.1:8765/mcp by default.\n");
    if let Some(hosts) = &preset.hosts {
        wrapped(&mut text, "# ", "# ", hosts);
    }
    for argument in &preset.arguments {
        let list = if argument.list { ", and more after commas" } else { "" };
        let _ = writeln!(text, "# Such as {}{list}", argument.example);
        let _ = writeln!(text, "{}=", argument.variable);
    }
    if links {
        let prefix = prefix(preset);
        let _ = write!(
            text,
            "# A client with which people sign in when they open a link to connect an account.\n# Redirect URI: http://127.0.0.1:8765/signed-in\n{prefix}CLIENT_ID=\n{prefix}CLIENT_SECRET=\n"
        );
    }
    text
}

fn numbered(text: &mut String, steps: &[String]) {
    for (at, step) in steps.iter().enumerate() {
        wrapped(text, &format!("# {}. ", at + 1), "#    ", step);
    }
}

/// Appends words in lines of at most 100 characters.
fn wrapped(text: &mut String, first: &str, next: &str, words: &str) {
    const MAX_WIDTH: usize = 100;
    let mut line = first.to_owned();
    let mut is_empty = true;
    for word in words.split_whitespace() {
        if !is_empty && line.chars().count() + 1 + word.chars().count() > MAX_WIDTH {
            let _ = writeln!(text, "{line}");
            next.clone_into(&mut line);
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    let _ = writeln!(text, "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;

    #[test]
    fn a_section_has_the_exact_redirect_uri_and_all_variables() {
        for provider in catalogue::providers() {
            let text = of_provider(provider);
            assert!(text.contains(&format!("/callback/{}\n", provider.id)), "{text}");
            for variable in &provider.variables {
                assert!(
                    text.lines().any(|line| line.trim_start_matches('#') == format!("{variable}=")),
                    "{text}"
                );
            }
        }
        for preset in catalogue::presets() {
            let text = of_gate(preset, true);
            assert!(
                preset
                    .arguments
                    .iter()
                    .all(|argument| text.contains(&format!("\n{}=\n", argument.variable))),
                "{text}"
            );
        }
    }

    #[test]
    fn words_are_wrapped() {
        let mut text = String::new();
        wrapped(&mut text, "# 1. ", "#    ", &"word ".repeat(40));
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(text.lines().all(|line| line.len() <= 100), "{text}");
    }
}
