//! Tests of whole commands on projects in a temporary folder.

use std::{fs, path::Path};

use clap::Parser;

use super::{Args, Stop, project::Project};

mod corpus;
mod modules;
mod refusals;
mod shapes;
mod written;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    arguments: Args,
}

/// A project in a temporary folder.
struct Written(tempfile::TempDir);

impl Written {
    fn new(main: &str) -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        project.put("Cargo.toml", MANIFEST);
        project.put("src/main.rs", main);
        project
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn get(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).unwrap()
    }

    /// Every file with its bytes.
    fn files(&self) -> Vec<(String, Vec<u8>)> {
        let (mut files, mut folders) = (Vec::new(), vec![self.path().to_owned()]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(self.path()).unwrap().display().to_string();
                    files.push((name, fs::read(&path).unwrap()));
                }
            }
        }
        files.sort();
        files
    }

    /// The diff of `add ..` after it was written, or why it was not.
    fn add(&self, command: &str) -> Result<String, String> {
        let words = command.split(' ');
        let arguments = Command::parse_from(["add"].into_iter().chain(words)).arguments;
        let before = self.files();
        let mut project = Project::find(self.path()).unwrap();
        let planned = arguments.what.plan(&mut project);
        let result = match planned {
            Ok(_) => {
                project.changes.write(&project.root).unwrap();
                Ok(project.changes.diff())
            }
            Err(Stop::Manual(manual)) => Err(manual.to_string()),
            Err(Stop::Error(error)) => Err(format!("{error:#}")),
        };
        assert!(result.is_ok() || self.files() == before, "something was written");
        result
    }

    /// Returns the new `src/main.rs`, after checking that the same command refuses to run a second
    /// time.
    fn main_after(&self, command: &str) -> String {
        self.add(command).unwrap_or_else(|error| panic!("{command}: {error}"));
        let again = self.add(command).unwrap_err();
        assert!(again.contains("exists already"), "{again}");
        self.get("src/main.rs")
    }
}

const MANIFEST: &str = r#"[package]
name = "tools"
edition = "2024"

[dependencies]
toolgate = { version = "0.1", features = ["dev"] } # the server
toolgate-providers = { version = "0.1", features = ["github"] }
"#;
