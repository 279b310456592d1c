use std::borrow::Cow;

use ui::prelude::*;

/// Does something.
#[tool]
async fn t(_names: Vec<Cow<'_, str>>) {}

fn main() {}
