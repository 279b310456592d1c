use ui::prelude::*;

#[doc = concat!("Lists ", "things.")]
#[tool]
async fn t() {}

fn main() {}
