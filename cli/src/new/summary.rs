//! Summary of a written project: the commands that run it, and what real accounts need.

use std::{fmt::Write as _, path::Path};

use super::{
    answers::{Answers, SignIn, Store, Widget},
    project::File,
};

pub(super) fn of(answers: &Answers, path: &Path, files: &[File]) -> String {
    let mut text = format!("Wrote {} files to {}.\n\n", files.len(), path.display());
    let _ = write!(
        text,
        "  cd {}\n  cargo toolgate dev   serves it, and a saved file a moment later\n  cargo run            serves it once, and prints the link of the inspector\n  cargo test           the answer, the refusal and the consent\n\n",
        path.display()
    );
    let wants = wants(answers);
    if !wants.is_empty() {
        text.push_str(
            "All of this runs without an account. For more, .env.example has the steps:\n\n",
        );
        for want in wants {
            let _ = writeln!(text, "  {want}");
        }
    }
    text
}

/// The steps that the choices need.
fn wants(answers: &Answers) -> Vec<String> {
    let mut wants = Vec::new();
    match answers.sign_in {
        SignIn::Dev => {
            wants.push("Other people: a gate, by `cargo toolgate add gate`".to_owned());
        }
        SignIn::Broker(provider) => {
            wants.push(format!("Sign-in: everyone with an account at {}", provider.name));
        }
        SignIn::Gate(preset) => {
            let names: Vec<_> = preset.arguments.iter().map(|one| &*one.variable).collect();
            wants.push(format!("{}: {}", preset.name, names.join(", ")));
        }
    }
    for chosen in &answers.providers {
        let provider = chosen.provider;
        let uri = provider.local_redirect_uri.clone();
        let uri = uri.unwrap_or_else(|| format!("https://..{}", provider.callback_path()));
        wants.push(format!("{}: an OAuth client with the redirect URI {uri}", provider.name));
    }
    if answers.widget == Widget::React {
        wants.push("The page: Node, to change it in views/who_am_i".to_owned());
    }
    if answers.store == Store::Postgres {
        wants.push("PostgreSQL: TOOLGATE_STORE and TOOLGATE_KEY; SQLite until then".to_owned());
    }
    if answers.container && matches!(answers.sign_in, SignIn::Dev) {
        wants.push("The container: a gate or a broker, as it serves others".to_owned());
    } else if answers.container {
        wants.push("The container: TOOLGATE_PUBLIC_URL, and a proxy with TLS before it".to_owned());
    }
    wants
}
