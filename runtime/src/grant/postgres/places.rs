//! Texts as columns have them.

use std::borrow::Cow;

/// The text in the form of a column, because texts of PostgreSQL cannot have NUL. Different texts have
/// different forms.
pub(super) fn legible(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', '\\']) {
        return text.into();
    }
    text.replace('\\', "\\\\").replace('\0', "\\0").into()
}

/// The text of a column.
pub(super) fn from_legible(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return text.into();
    }
    let mut characters = text.chars();
    let mut found = String::with_capacity(text.len());
    while let Some(c) = characters.next() {
        let escaped = (c == '\\').then(|| characters.next()).flatten();
        found.push(match escaped {
            Some('0') => '\0',
            Some(other) => other,
            None => c,
        });
    }
    found.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_back_from_its_column() {
        for text in ["", "alice", "a\0b", "\\0", "\\\0\\\\", "\u{1f600}\\"] {
            let column = legible(text);
            assert!(!column.contains('\0'));
            assert_eq!(from_legible(&column), text);
        }
    }
}
