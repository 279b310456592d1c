//! The code blocks of `docs/add-your-provider.md`.

/// The page.
pub(crate) const PAGE: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/add-your-provider.md"));

/// Its blocks in a language, in order.
pub(crate) fn blocks(language: &str) -> Vec<&'static str> {
    // What is between two fences is every other part.
    PAGE.split("```")
        .skip(1)
        .step_by(2)
        .filter_map(|block| block.split_once('\n'))
        .filter(|(info, _)| info.split(',').next() == Some(language))
        .map(|(_, code)| code)
        .collect()
}
