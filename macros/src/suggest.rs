//! "did you mean"

/// The word of `known` that is most similar to `word`, if it is similar enough.
pub(crate) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    known
        .into_iter()
        .map(|known| (strsim::damerau_levenshtein(word, known), known))
        .filter(|(distance, known)| *distance <= known.len().max(3) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// The help for a word that is not in `known`: the nearest one, or all after the text `all`.
pub(crate) fn help<'k>(
    word: &str,
    known: impl IntoIterator<Item = &'k str> + Clone,
    all: &str,
) -> String {
    if let Some(known) = nearest(word, known.clone()) {
        return format!("did you mean `{known}`?");
    }
    let known: Vec<_> = known.into_iter().map(|known| format!("`{known}`")).collect();
    format!("{all} {}", known.join(", "))
}
