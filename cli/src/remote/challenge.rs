//! Challenges: the header `WWW-Authenticate` (RFC 9110 §11.6.1, RFC 6750 §3).

use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

/// One challenge.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Challenge {
    pub(crate) scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// A parameter; its name is in lower case.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let parameter = self.parameters.iter().find(|(key, _)| key == name);
        parameter.map(|(_, value)| value.as_str())
    }
}

/// The challenges of an answer. The error is the header that cannot be read.
pub(crate) fn challenges(headers: &HeaderMap) -> Result<Vec<Challenge>, String> {
    let mut found = Vec::new();
    for value in headers.get_all(WWW_AUTHENTICATE) {
        let text = String::from_utf8_lossy(value.as_bytes());
        match parse(&text) {
            Some(challenges) => found.extend(challenges),
            None => return Err(text.into_owned()),
        }
    }
    Ok(found)
}

/// The challenge for bearer tokens.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<Challenge> {
    let challenges = challenges(headers).ok()?;
    challenges.into_iter().find(|challenge| challenge.scheme.eq_ignore_ascii_case("bearer"))
}

fn parse(text: &str) -> Option<Vec<Challenge>> {
    let mut challenges = Vec::<Challenge>::new();
    let mut rest = text.trim_start_matches([' ', '\t', ',']);
    while !rest.is_empty() {
        let (word, after) = token(rest)?;
        let trimmed = after.trim_start();
        if let (Some(after), Some(challenge)) = (trimmed.strip_prefix('='), challenges.last_mut()) {
            let (value, after) = value(after.trim_start())?;
            challenge.parameters.push((word.to_ascii_lowercase(), value));
            let end = after.trim_start();
            if !end.is_empty() && !end.starts_with(',') {
                return None;
            }
            rest = end;
        } else {
            // A scheme is followed by a blank, a comma or the end.
            if !(after.is_empty() || after.starts_with([' ', '\t', ','])) {
                return None;
            }
            challenges.push(Challenge { scheme: word.to_owned(), ..Challenge::default() });
            rest = trimmed;
        }
        rest = rest.trim_start_matches([' ', '\t', ',']);
    }
    Some(challenges)
}

fn token(text: &str) -> Option<(&str, &str)> {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let end = text.find(|c| !is_token(c)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = token(text)?;
        return Some((value.to_owned(), rest));
    };
    let (mut value, mut escaped) = (String::new(), false);
    for (at, c) in quoted.char_indices() {
        match c {
            _ if escaped => {
                value.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return Some((value, &quoted[at + 1..])),
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read_as_the_rfc_writes_them() {
        let found = parse(r#"Basic realm="a, \"b\"", Bearer, DPoP algs="ES256 PS256",error=x"#);
        let found = found.unwrap();
        let schemes: Vec<_> = found.iter().map(|challenge| challenge.scheme.as_str()).collect();
        assert_eq!(schemes, ["Basic", "Bearer", "DPoP"]);
        assert_eq!(found[0].get("realm"), Some(r#"a, "b""#));
        assert_eq!(found[2].get("algs"), Some("ES256 PS256"));
        assert_eq!(found[2].get("error"), Some("x"));
        assert_eq!(found[1].get("error"), None);
    }

    #[test]
    fn malformed_challenges_count_as_missing() {
        for text in [
            "Bearer resource_metadata=https://a.example/b",
            r#"Bearer realm="a"#,
            r#"Bearer realm="a" scope="b""#,
            "Bearer: realm",
            "=x",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
