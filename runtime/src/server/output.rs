//! Output of the command line, on standard output.

/// Prints a line.
#[allow(clippy::print_stdout, reason = "the output of the command")]
pub(super) fn print(text: &str) {
    println!("{text}");
}
