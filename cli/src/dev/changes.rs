//! Files of the project whose content has changed, and what follows from it.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
};

/// The largest file whose content is compared. Of larger files, time and length are compared.
const MAX_READ_BYTES: u64 = 8 << 20;

/// The changes since the last call.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// Files that the program is built from.
    pub(super) sources: BTreeSet<PathBuf>,
    /// `.env`.
    pub(super) environment: BTreeSet<PathBuf>,
    pub(super) views: BTreeSet<PathBuf>,
    pub(super) calls: BTreeSet<PathBuf>,
}

impl Changes {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Source,
    Environment,
    View,
    Call,
}

/// The files as they were last seen.
#[derive(Debug)]
pub(super) struct Files {
    /// The directory of the package.
    package: PathBuf,
    target: PathBuf,
    /// What the last build read, by cargo's list.
    inputs: HashSet<PathBuf>,
    /// Of each file, a digest of its content.
    seen: HashMap<PathBuf, u64>,
}

impl Files {
    pub(super) fn new(package: &Path, target: &Path) -> Self {
        let (inputs, seen) = (HashSet::new(), HashMap::new());
        Self { package: package.to_owned(), target: target.to_owned(), inputs, seen }
    }

    /// Takes note of what `executable` was built from, by the file that cargo writes next to it.
    pub(super) fn built(&mut self, executable: &Path) {
        if let Ok(list) = fs::read_to_string(executable.with_extension("d")) {
            self.inputs = inputs(&list);
        }
    }

    /// Whether nothing below the directory is watched.
    pub(super) fn skips(&self, directory: &Path) -> bool {
        let name = directory.file_name().unwrap_or_default().to_string_lossy();
        directory == self.target
            || name == "node_modules"
            || name.starts_with('.') && name != ".cargo"
            // The list is of another package, or of an earlier configuration.
            || directory.join("CACHEDIR.TAG").exists()
    }

    /// The directories at and below `root` that are watched. Their files count as seen.
    pub(super) fn scan(&mut self, root: &Path) -> Vec<PathBuf> {
        let (directories, files) = self.below(root);
        for file in files {
            self.has_changed(&file);
        }
        directories
    }

    /// Returns what the changes of these paths mean, and the directories that are new. A path may be a
    /// file or a directory, or may no longer exist.
    pub(super) fn compare(
        &mut self,
        paths: impl IntoIterator<Item = PathBuf>,
    ) -> (Changes, Vec<PathBuf>) {
        let (mut changes, mut new) = (Changes::default(), Vec::new());
        for path in paths {
            let mut files = vec![path.clone()];
            if path.is_dir() {
                if path.ancestors().any(|directory| {
                    directory != self.package
                        && directory.starts_with(&self.package)
                        && self.skips(directory)
                }) {
                    continue;
                }
                let (directories, below) = self.below(&path);
                new.extend(directories);
                files = below;
            }
            for file in files {
                let Some(kind) = self.kind(&file) else { continue };
                if self.has_changed(&file) {
                    match kind {
                        Kind::Source => changes.sources.insert(file),
                        Kind::Environment => changes.environment.insert(file),
                        Kind::View => changes.views.insert(file),
                        Kind::Call => changes.calls.insert(file),
                    };
                }
            }
        }
        (changes, new)
    }

    fn below(&self, root: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
        let (mut directories, mut files, mut next) =
            (Vec::new(), Vec::new(), vec![root.to_owned()]);
        while let Some(directory) = next.pop() {
            for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
                let path = entry.path();
                match entry.file_type() {
                    Ok(it) if it.is_dir() && !self.skips(&path) => next.push(path),
                    Ok(it) if it.is_dir() => {}
                    _ if self.kind(&path).is_some() => files.push(path),
                    _ => {}
                }
            }
            directories.push(directory);
        }
        (directories, files)
    }

    fn kind(&self, path: &Path) -> Option<Kind> {
        let name = path.file_name()?.to_str()?;
        if is_of_editor(name) || path.starts_with(&self.target) {
            return None;
        }
        if name == ".env" {
            return Some(Kind::Environment);
        }
        let extension = path.extension().and_then(|extension| extension.to_str());
        let parent = path.parent()?.strip_prefix(&self.package).ok();
        match (parent.and_then(Path::to_str), extension) {
            (Some("views"), Some("html")) => Some(Kind::View),
            (Some("calls"), Some("json")) => Some(Kind::Call),
            (_, Some("rs")) => Some(Kind::Source),
            _ if matches!(
                name,
                "Cargo.toml" | "Cargo.lock" | "rust-toolchain" | "rust-toolchain.toml"
            ) =>
            {
                Some(Kind::Source)
            }
            (_, Some("toml")) if path.parent().is_some_and(|parent| parent.ends_with(".cargo")) => {
                Some(Kind::Source)
            }
            _ => self.inputs.contains(path).then_some(Kind::Source),
        }
    }

    /// Whether the content differs from the one that was last seen. The new content is remembered.
    fn has_changed(&mut self, path: &Path) -> bool {
        match digest(path) {
            Some(digest) => self.seen.insert(path.to_owned(), digest) != Some(digest),
            None => self.seen.remove(path).is_some(),
        }
    }
}

/// Whether it is an editor's own temporary file.
fn is_of_editor(name: &str) -> bool {
    name.starts_with(".#")
        || name.starts_with('#')
        || name.starts_with("___jb_")
        || name.starts_with(".goutputstream")
        || name.ends_with('~')
        || name == "4913"
        || [".swp", ".swx", ".swo", ".tmp", ".bak"].iter().any(|suffix| name.ends_with(suffix))
}

fn digest(path: &Path) -> Option<u64> {
    let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    let mut hasher = DefaultHasher::new();
    if metadata.len() > MAX_READ_BYTES {
        (metadata.len(), metadata.modified().ok()?).hash(&mut hasher);
    } else {
        fs::read(path).ok()?.hash(&mut hasher);
    }
    Some(hasher.finish())
}

/// The files of a list in the format of `make`: `target: file file`, with a backslash before a space.
fn inputs(list: &str) -> HashSet<PathBuf> {
    let mut found = HashSet::new();
    for line in list.lines() {
        let Some((_, files)) = line.split_once(": ") else { continue };
        let mut file = String::new();
        let mut characters = files.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '\\' if characters.peek() == Some(&' ') => file.extend(characters.next()),
                ' ' => drop(found.insert(PathBuf::from(std::mem::take(&mut file)))),
                other => file.push(other),
            }
        }
        found.insert(PathBuf::from(file));
    }
    found.remove(Path::new(""));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> (tempfile::TempDir, Files) {
        let directory = tempfile::tempdir().unwrap();
        for (path, text) in [
            ("Cargo.toml", "[package]"),
            ("src/main.rs", "fn main() {}"),
            ("src/page.txt", "text"),
            ("views/board.html", "<p>"),
            ("calls/list.json", "{}"),
            (".env", "A=1"),
            ("target/debug/main.rs", ""),
            ("node_modules/a/index.rs", ""),
        ] {
            let path = directory.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let mut files = Files::new(directory.path(), &directory.path().join("target"));
        let watched = files.scan(directory.path());
        assert_eq!(watched.len(), 4, "the package, src, views and calls: {watched:?}");
        (directory, files)
    }

    #[test]
    fn only_changed_content_counts_as_a_change() {
        let (directory, mut files) = project();
        let path = |name: &str| directory.path().join(name);
        let write = |name: &str, text: &str| {
            fs::write(path(name), text).unwrap();
            path(name)
        };
        let same = write("src/main.rs", "fn main() {}");
        assert!(files.compare([same]).0.is_empty());
        let written = [
            write("src/main.rs", "fn main() { () }"),
            write("views/board.html", "<b>"),
            write("calls/list.json", "[]"),
            write(".env", "A=2"),
            write("src/main.rs~", "old"),
            write("src/.main.rs.swp", "old"),
            write("src/4913", ""),
            write("notes.txt", "a"),
            write("target/debug/main.rs", "built"),
        ];
        let changes = files.compare(written).0;
        let one = |name: &str| BTreeSet::from([path(name)]);
        assert_eq!(changes.sources, one("src/main.rs"));
        assert_eq!(changes.views, one("views/board.html"));
        assert_eq!(changes.calls, one("calls/list.json"));
        assert_eq!(changes.environment, one(".env"));
        fs::remove_file(path("src/main.rs")).unwrap();
        assert_eq!(files.compare([path("src/main.rs")]).0.sources, one("src/main.rs"));
        assert!(files.compare([path("src/main.rs")]).0.is_empty());
    }

    #[test]
    fn files_of_a_new_directory_count() {
        let (directory, mut files) = project();
        let new = directory.path().join("src/tools");
        fs::create_dir(&new).unwrap();
        fs::write(new.join("mod.rs"), "").unwrap();
        let (changes, directories) = files.compare([new.clone()]);
        assert_eq!(changes.sources, BTreeSet::from([new.join("mod.rs")]));
        assert_eq!(directories, [new]);
        let ignored = directory.path().join("target/debug");
        assert_eq!(files.compare([ignored]), (Changes::default(), Vec::new()));
    }

    #[test]
    fn files_that_the_last_build_read_are_watched() {
        let (directory, mut files) = project();
        let text = directory.path().join("src/page.txt");
        fs::write(&text, "other").unwrap();
        assert!(files.compare([text.clone()]).0.is_empty());
        let executable = directory.path().join("target/debug/tools");
        let list = format!("{}: {}\n", executable.display(), text.display());
        fs::write(executable.with_extension("d"), list).unwrap();
        files.built(&executable);
        assert_eq!(files.compare([text.clone()]).0.sources, BTreeSet::from([text]));
        let listed = inputs("/t/a: /p/one\\ file.rs /p/b.rs\n\n/p/b.rs:\n");
        assert_eq!(listed, ["/p/one file.rs", "/p/b.rs"].map(PathBuf::from).into());
    }
}
