use ui::prelude::*;

/// Ours.
#[catalogue]
pub struct Ours;

fn main() {}
