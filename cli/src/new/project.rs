//! Files of a project.

use super::{
    answers::{Answers, Widget},
    destination::Source,
    documents, gate, manifest, pieces, program, template, tests_file, variables, widget,
};

/// A file, by its path in the project.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    pub(super) fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into() }
    }
}

/// The files, in the order in which they are read.
pub(super) fn files(answers: &Answers, source: &Source) -> Vec<File> {
    let mut files = vec![File::new("Cargo.toml", manifest::of(answers, source))];
    files.extend(program::files(answers));
    if let Some(preset) = answers.sign_in.preset() {
        files.push(File::new("src/gate.rs", gate::of(preset, !answers.providers.is_empty())));
    }
    files.push(File::new("src/tests.rs", tests_file::of(answers)));
    match answers.widget {
        Widget::None => {}
        Widget::Html => files.push(widget::html()),
        Widget::React => files.extend(widget::react(source)),
    }
    files.push(pieces::call_file("who_am_i"));
    for chosen in &answers.providers {
        files.push(pieces::call_file(&chosen.provider.tool.name));
    }
    files.push(File::new(".env.example", variables::of(answers)));
    files.push(File::new(".gitignore", template::GITIGNORE));
    if answers.container {
        files
            .push(File::new("Dockerfile", template::DOCKERFILE.replace("{{name}}", &answers.name)));
        files.push(File::new(".dockerignore", template::DOCKERIGNORE));
    }
    if answers.ci {
        files.push(File::new(".github/workflows/ci.yml", template::WORKFLOW));
    }
    files.push(File::new("README.md", documents::readme(answers)));
    files.push(File::new("AGENTS.md", documents::agents(answers)));
    files
}
