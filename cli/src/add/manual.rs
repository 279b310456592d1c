//! What a person has to write where a file is not edited.

use std::fmt;

/// A reason, and what to write where.
#[derive(Debug)]
pub(crate) struct Manual {
    reason: String,
    steps: Vec<(String, String)>,
}

impl Manual {
    pub(crate) fn because(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), steps: Vec::new() }
    }

    /// Adds a place, as the beginning of a sentence, and the text that belongs there.
    pub(crate) fn step(mut self, place: impl Into<String>, text: impl Into<String>) -> Self {
        self.steps.push((place.into(), text.into()));
        self
    }
}

impl fmt::Display for Manual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Nothing was written: {}.", self.reason)?;
        for (place, text) in &self.steps {
            writeln!(f, "\n{place}:\n")?;
            for line in text.trim_end().lines() {
                writeln!(f, "{}", format!("    {line}").trim_end())?;
            }
        }
        Ok(())
    }
}
