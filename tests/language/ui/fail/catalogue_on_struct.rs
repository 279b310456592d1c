use language::prelude::*;

/// Ours.
#[catalogue]
pub struct Ours;

fn main() {}
