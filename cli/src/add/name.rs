//! Names of functions that users type, checked as Rust identifiers.

use anyhow::{Result, bail};

/// The longest name of a tool in the protocol.
const MAX_TOOL_NAME_LEN: usize = 64;

/// Checks the name of a function that becomes a tool.
///
/// # Errors
///
/// It is no identifier, a keyword, or too long.
pub(crate) fn check_function(name: &str) -> Result<()> {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    // syn knows every keyword but that of edition 2024.
    let is_ident =
        syn::parse_str::<syn::Ident>(name).is_ok_and(|ident| ident == name) && name != "gen";
    if !is_ident && name.chars().all(is_word) && name.starts_with(|c: char| c.is_ascii_lowercase())
    {
        bail!("`{name}` is a keyword of Rust: choose another name");
    }
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    if !is_ident || !begins || !name.chars().all(is_word) {
        let suggested = snake_case(name);
        let is_good = suggested != name && check_function(&suggested).is_ok();
        let hint = if is_good { format!(": write `{suggested}`") } else { String::new() };
        bail!("`{name}` is not the name of a function: small letters, digits and `_`{hint}");
    }
    if name.len() > MAX_TOOL_NAME_LEN {
        bail!("the name of a tool has at most {MAX_TOOL_NAME_LEN} characters");
    }
    if matches!(name, "main" | "server") {
        bail!("`{name}` is a function of the project: choose another name");
    }
    Ok(())
}

fn snake_case(name: &str) -> String {
    let mut result = String::new();
    let mut lower = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && lower {
            result.push('_');
        }
        lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        if c.is_ascii_alphanumeric() {
            result.push(c.to_ascii_lowercase());
        } else if !result.is_empty() && !result.ends_with('_') {
            result.push('_');
        }
    }
    result.trim_end_matches('_').chars().skip_while(char::is_ascii_digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_identifiers() {
        for good in ["a", "list_issues", "v2", "x1_y"] {
            check_function(good).unwrap();
        }
        for (bad, hint) in [
            ("fn", "keyword"),
            ("async", "keyword"),
            ("self", "keyword"),
            ("gen", "keyword"),
            ("try", "keyword"),
            ("listIssues", "write `list_issues`"),
            ("list-issues", "write `list_issues`"),
            ("2fast", "write `fast`"),
            ("r#fn", "not the name of a function"),
            ("a b", "write `a_b`"),
            ("über", "not the name"),
            ("_a", "not the name"),
            ("", "not the name"),
            ("a();b", "write `a_b`"),
            ("main", "a function of the project"),
            (&"a".repeat(65), "at most 64"),
        ] {
            let error = check_function(bad).unwrap_err().to_string();
            assert!(error.contains(hint), "{bad}: {error}");
        }
    }
}
