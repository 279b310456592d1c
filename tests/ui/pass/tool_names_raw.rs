use ui::prelude::*;

/// Does something.
#[tool]
async fn r#match(r#type: String) -> String {
    r#type
}

pub fn main() {
    assert_eq!(tools![r#match].entries()[0].name(), "match");
    let _ = r#match;
}
