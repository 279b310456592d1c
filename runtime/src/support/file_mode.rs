//! Modes of files with secrets and settings.

use std::{fs::Metadata, path::Path};

/// Whether the mode has any of the bits. Only Unix has modes.
pub(crate) fn has(found: &Metadata, bits: u32) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        found.permissions().mode() & bits != 0
    }
    #[cfg(not(unix))]
    {
        let _ = (found, bits);
        false
    }
}

/// Whether other users can write the file: they could put a secret of theirs there. That others can read it
/// is how Kubernetes and Docker mount secrets.
pub(crate) fn others_may_write(found: &Metadata) -> bool {
    has(found, 0o022)
}

/// The problem of such a file, and what to do.
pub(crate) fn writable(file: &Path) -> String {
    format!("{0} can be written by others; run `chmod go-w {0}`", file.display())
}

/// Whether every user can write the file: they could put settings of theirs there. A group may, because with
/// the umask 002 the files of a person are writable by a group of that person alone.
pub(crate) fn everyone_may_write(found: &Metadata) -> bool {
    has(found, 0o002)
}

/// The problem of such a file, and what to do.
pub(crate) fn writable_by_everyone(file: &Path) -> String {
    format!(
        "{0} can be written by every user; run `chmod o-w {0}`, or move it where that has an effect",
        file.display()
    )
}

#[cfg(all(test, unix))]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    #[test]
    fn a_mode_says_who_may_write() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (mode, others, everyone) in [
            (0o400, false, false),
            (0o600, false, false),
            (0o444, false, false),
            (0o755, false, false),
            (0o620, true, false),
            (0o664, true, false),
            (0o602, true, true),
            (0o646, true, true),
            (0o666, true, true),
        ] {
            fs::set_permissions(file.path(), fs::Permissions::from_mode(mode)).unwrap();
            let found = fs::metadata(file.path()).unwrap();
            assert_eq!(others_may_write(&found), others, "{mode:o}");
            assert_eq!(everyone_may_write(&found), everyone, "{mode:o}");
        }
    }
}
