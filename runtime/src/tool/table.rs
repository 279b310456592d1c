//! The table of tools that [`tools!`](crate::tools) makes.

use std::sync::Arc;

use super::{
    Tool,
    registry::{Function, RegisteredTool, ToolSpec, function},
};
use crate::error::ConfigError;

/// A tool in a table: its name, and a function that builds the rest when a server starts.
#[derive(Clone, Copy, Debug)]
pub struct ToolEntry {
    name: &'static str,
    declared: fn() -> (&'static ToolSpec, Arc<dyn Function>),
}

impl ToolEntry {
    /// The entry of `T`.
    pub const fn new<T: Tool>() -> Self {
        Self { name: T::NAME, declared: || (ToolSpec::of::<T>(), function(T::ARGUMENTS, T::call)) }
    }

    /// Returns the name that the model calls.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Fails to compile, in a constant, where the other has the same name.
    ///
    /// # Panics
    ///
    /// The other has the same name.
    #[track_caller]
    pub const fn assert_differs_from(&self, other: &Self) {
        if equal(self.name.as_bytes(), other.name.as_bytes()) {
            fail(self.name);
        }
    }

    pub(crate) fn build(&self) -> Result<RegisteredTool, ConfigError> {
        let (spec, function) = (self.declared)();
        RegisteredTool::new(spec, function)
    }
}

/// Tools to serve; [`tools!`](crate::tools) makes it.
#[derive(Clone, Debug, Default)]
pub struct Tools(Vec<ToolEntry>);

impl Tools {
    /// The tools of a table.
    pub fn new(entries: &[ToolEntry]) -> Self {
        Self(entries.to_vec())
    }

    /// Fails to compile, in a constant, where two tools have one name.
    ///
    /// # Panics
    ///
    /// Two tools have one name; the message says which.
    // The compiler shows a panic at the first caller that does not track its own: at `tools!`.
    #[track_caller]
    pub const fn assert_distinct(entries: &[ToolEntry]) {
        // The compiler interprets every step, and hundreds of names are tens of thousands of
        // pairs. So a name is compared only with those before it if one of them has its hash.
        let mut seen = [false; BUCKETS];
        let mut at = 0;
        while at < entries.len() {
            let hash = hash(entries[at].name.as_bytes());
            let mut other = if seen[hash] { 0 } else { at };
            while other < at {
                if equal(entries[at].name.as_bytes(), entries[other].name.as_bytes()) {
                    fail(entries[at].name);
                }
                other += 1;
            }
            seen[hash] = true;
            at += 1;
        }
    }

    /// Returns the entries in the order in which they were named.
    pub fn entries(&self) -> &[ToolEntry] {
        &self.0
    }
}

const BUCKETS: usize = 4096;

/// The hash of a name, below [`BUCKETS`]: of five of its bytes and its length, in few steps.
const fn hash(name: &[u8]) -> usize {
    let &[first, .., third, second, last] = name else { return name.len() };
    let middle = name[name.len() / 2] as usize;
    // Factors so far apart that names that count up, as `list_1` to `list_99`, have hashes of their own.
    (last as usize
        + 31 * second as usize
        + 977 * third as usize
        + 1721 * middle
        + 2731 * first as usize
        + 3571 * name.len())
        % BUCKETS
}

const fn equal(one: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

/// The beginning of the message, which the name and a quotation mark follow.
const MESSAGE: &[u8] = b"two tools are named `";
/// A tool's name has at most 64 characters, so a message fits.
const MAX_MESSAGE_BYTES: usize = 128;

/// Panics with the name in the message; `panic!` itself cannot format one in a constant.
#[track_caller]
const fn fail(name: &str) -> ! {
    let (name, mut text, mut length) = (name.as_bytes(), [b'`'; MAX_MESSAGE_BYTES], 0);
    while length < MESSAGE.len() + name.len() && length < MAX_MESSAGE_BYTES - 1 {
        let from = length.saturating_sub(MESSAGE.len());
        text[length] = if length < MESSAGE.len() { MESSAGE[length] } else { name[from] };
        length += 1;
    }
    match std::str::from_utf8(text.split_at(length + 1).0) {
        Ok(text) => panic!("{}", text),
        Err(_) => panic!("two tools have one name"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_distinct(names: &[&'static str]) {
        let entry = |&name| ToolEntry { name, declared: || unreachable!() };
        Tools::assert_distinct(&names.iter().map(entry).collect::<Vec<_>>());
    }

    #[test]
    fn names_with_one_hash_are_distinct() {
        assert_eq!(hash(b"Aa"), hash(b"BB"));
        assert_distinct(&["Aa", "BB", "", "A", "aA"]);
    }

    #[test]
    #[should_panic = "two tools are named `Aa`"]
    fn a_duplicate_is_found_among_names_with_one_hash() {
        assert_distinct(&["Aa", "BB", "other", "Aa"]);
    }
}
