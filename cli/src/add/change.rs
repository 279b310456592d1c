//! A set of files to write: shown as a diff, and written all or not at all.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use similar::TextDiff;

/// One file, relative to the project.
struct Change {
    path: PathBuf,
    /// `None`: the file does not exist.
    before: Option<String>,
    after: String,
}

/// What a command writes.
#[derive(Default)]
pub(crate) struct Changes(Vec<Change>);

impl Changes {
    pub(crate) fn replace(&mut self, path: impl Into<PathBuf>, before: String, after: String) {
        if before != after {
            self.0.push(Change { path: path.into(), before: Some(before), after });
        }
    }

    pub(crate) fn create(&mut self, path: impl Into<PathBuf>, after: String) {
        self.0.push(Change { path: path.into(), before: None, after });
    }

    /// The new text of a file that is among the changes.
    pub(crate) fn text_mut(&mut self, path: impl AsRef<Path>) -> Option<&mut String> {
        let change = self.0.iter_mut().find(|change| change.path == path.as_ref());
        change.map(|change| &mut change.after)
    }

    /// The unified diff.
    pub(crate) fn diff(&self) -> String {
        let mut diff = String::new();
        for change in &self.0 {
            let path = change.path.display().to_string().replace('\\', "/");
            let before = change.before.as_deref().unwrap_or_default();
            let old = match change.before {
                Some(_) => format!("a/{path}"),
                None => "/dev/null".into(),
            };
            let lines = TextDiff::from_lines(before, change.after.as_str());
            diff.push_str(&lines.unified_diff().header(&old, &format!("b/{path}")).to_string());
        }
        diff
    }

    /// Writes every file, or none: what was written is taken back when a later file fails.
    ///
    /// # Errors
    ///
    /// A file changed since it was read, or cannot be written.
    pub(crate) fn write(&self, root: &Path) -> Result<()> {
        let mut staged = Vec::new();
        let mut folders = Vec::new();
        let result = self.stage(root, &mut staged, &mut folders).and_then(|()| put(staged));
        if result.is_err() {
            // The deepest folder comes last. A folder that other programs wrote into stays.
            for folder in folders.iter().rev() {
                let _ = fs::remove_dir(folder);
            }
        }
        result
    }

    fn stage(&self, root: &Path, staged: &mut Vec<Staged>, made: &mut Vec<PathBuf>) -> Result<()> {
        for change in &self.0 {
            let path = root.join(&change.path);
            let shown = change.path.display().to_string();
            // A symbolic link stays: the file that it points to is written.
            let path = fs::canonicalize(&path).unwrap_or(path);
            let now = match fs::read(&path) {
                Ok(bytes) => Some(bytes),
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(error) => return Err(error).context(shown),
            };
            if now.as_deref() != change.before.as_deref().map(str::as_bytes) {
                bail!("{shown} changed meanwhile; nothing was written");
            }
            let folder = path.parent().context("a file has a folder")?;
            make_folders(folder, made).with_context(|| shown.clone())?;
            let file = tempfile::Builder::new()
                .prefix(".toolgate-")
                .tempfile_in(folder)
                .with_context(|| shown.clone())?;
            fs::write(file.path(), &change.after).with_context(|| shown.clone())?;
            let permitted = match fs::metadata(&path) {
                Ok(metadata) => fs::set_permissions(file.path(), metadata.permissions()),
                Err(_) => make_ordinary(file.path()),
            };
            permitted.with_context(|| shown.clone())?;
            staged.push(Staged { path, shown, before: now, file });
        }
        Ok(())
    }
}

/// Moves every file to its place, or none.
fn put(staged: Vec<Staged>) -> Result<()> {
    let mut written: Vec<(PathBuf, Option<Vec<u8>>)> = Vec::new();
    for Staged { path, shown, before, file } in staged {
        let result = match before {
            Some(_) => file.persist(&path),
            None => file.persist_noclobber(&path),
        };
        if let Err(error) = result {
            let back = written.into_iter().rev().try_for_each(|(path, before)| match before {
                Some(before) => fs::write(path, before),
                None => fs::remove_file(path),
            });
            let error = anyhow::Error::new(error.error).context(shown);
            return Err(match back {
                Ok(()) => error.context("nothing was written"),
                Err(back) => error.context(format!("files could not be restored: {back}")),
            });
        }
        written.push((path, before));
    }
    Ok(())
}

struct Staged {
    path: PathBuf,
    shown: String,
    before: Option<Vec<u8>>,
    file: tempfile::NamedTempFile,
}

/// Temporary files are readable by their owner alone; a new file of a project is not.
#[cfg(unix)]
fn make_ordinary(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_ordinary(_path: &Path) -> io::Result<()> {
    Ok(())
}

fn make_folders(folder: &Path, made: &mut Vec<PathBuf>) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        make_folders(parent, made)?;
    }
    fs::create_dir(folder)?;
    made.push(folder.to_owned());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_that_changed_meanwhile_keeps_everything_unwritten() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("b"), "other").unwrap();
        let mut changes = Changes::default();
        changes.create("new/a", "a".into());
        changes.replace("b", "old".into(), "new".into());
        let error = changes.write(folder.path()).unwrap_err().to_string();
        assert!(error.contains("b changed meanwhile"), "{error}");
        assert_eq!(files(folder.path()), ["b"]);
    }

    #[test]
    fn a_file_that_cannot_be_written_restores_the_others() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), "old").unwrap();
        let mut changes = Changes::default();
        changes.replace("a", "old".into(), "new".into());
        changes.create("b", "first".into());
        // Two changes of one new file: the second finds the first, which it must not replace.
        changes.create("b", "second".into());
        let error = format!("{:#}", changes.write(folder.path()).unwrap_err());
        assert!(error.starts_with("nothing was written: b"), "{error}");
        assert_eq!(files(folder.path()), ["a"]);
        assert_eq!(fs::read_to_string(folder.path().join("a")).unwrap(), "old");
    }

    #[cfg(unix)]
    #[test]
    fn permissions_and_links_stay() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a");
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&file, folder.path().join("link")).unwrap();
        let mut changes = Changes::default();
        changes.replace("link", "old".into(), "new".into());
        changes.write(folder.path()).unwrap();
        assert!(folder.path().join("link").is_symlink());
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    }
}
