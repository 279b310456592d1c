use ui::prelude::*;

/// Does something.
#[tool]
async fn t() {}

pub fn main() {
    assert!(tools![].entries().is_empty());
    assert_eq!(tools![t,].entries().len(), 1);
    let _ = t;
}
