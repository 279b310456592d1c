//! `#[catalogue(..)]`

use super::{Attribute, value::Text};

attribute! {
    struct CatalogueArgs {
        name: Option<Text>,
    }
}

impl Attribute for CatalogueArgs {
    const NAME: &'static str = "#[catalogue]";

    fn with_key(value: &str) -> Option<String> {
        Some(format!("name = {value}"))
    }
}
