//! Token of the page: who has it may use the page, from this machine.

use std::{fmt::Write as _, fs, io, path::Path};

use crate::support::crypto;

/// The length of the token, whose characters are 128 random bits.
const TOKEN_LEN: usize = 32;

/// The file in the server's data directory that keeps it.
const FILE: &str = "inspector-token";

/// The token in the link that the server prints. `Debug` does not show it.
#[derive(Clone)]
pub(crate) struct PageToken(String);

impl PageToken {
    /// The token with this text, if it can be one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
        (text.len() == TOKEN_LEN && text.bytes().all(is_digit)).then(|| Self(text.to_owned()))
    }

    pub(crate) fn random() -> Self {
        let mut bytes = [0; TOKEN_LEN / 2];
        crypto::fill_random(&mut bytes);
        let mut text = String::with_capacity(TOKEN_LEN);
        for byte in bytes {
            let _ = write!(text, "{byte:02x}");
        }
        Self(text)
    }

    /// The token that is kept in `directory`, so that an open page goes on after a restart. Without
    /// one that only this user can read, it is a new one.
    pub(crate) fn kept_in(directory: &Path) -> Self {
        let path = directory.join(FILE);
        if let Some(kept) = read(&path) {
            return kept;
        }
        let token = Self::random();
        if let Err(error) = write(directory, &path, &token) {
            tracing::debug!(target: "toolgate::server", %error, "the inspector's token is not kept, so its page ends with this process");
        }
        token
    }

    /// The text, for the link and the cookie.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn is(&self, text: &str) -> bool {
        crypto::constant_time_eq(&self.0, text)
    }
}

impl std::fmt::Debug for PageToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PageToken(..)")
    }
}

fn read(path: &Path) -> Option<PageToken> {
    let metadata = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if metadata.permissions().mode() & 0o077 != 0 {
            return None;
        }
    }
    if metadata.len() != TOKEN_LEN as u64 {
        return None;
    }
    let text = fs::read_to_string(path).ok()?;
    let is_token =
        text.len() == TOKEN_LEN && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    is_token.then_some(PageToken(text))
}

fn write(directory: &Path, path: &Path, token: &PageToken) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)?;
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    io::Write::write_all(&mut options.open(path)?, token.0.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_outlives_the_process_and_is_for_its_user() {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        let first = PageToken::kept_in(&data);
        assert_eq!(first.as_str().len(), TOKEN_LEN);
        assert!(PageToken::kept_in(&data).is(first.as_str()));
        assert!(!PageToken::random().is(first.as_str()));
        assert!(!first.is("") && !first.is(&first.as_str()[1..]));
        assert_eq!(format!("{first:?}"), "PageToken(..)");
    }

    #[cfg(unix)]
    #[test]
    fn a_token_that_others_can_read_or_have_written_is_replaced() {
        use std::os::unix::fs::PermissionsExt as _;

        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(FILE);
        let first = PageToken::kept_in(directory.path());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let second = PageToken::kept_in(directory.path());
        assert!(!second.is(first.as_str()));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&path, "short").unwrap();
        assert!(!PageToken::kept_in(directory.path()).is("short"));
        let elsewhere = directory.path().join("elsewhere");
        fs::rename(&path, &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
        let kept = fs::read_to_string(&elsewhere).unwrap();
        assert!(!PageToken::kept_in(directory.path()).is(&kept), "it is a link");
    }
}
