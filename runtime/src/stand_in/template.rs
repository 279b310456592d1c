//! Templates of answers: names in JSON and in headers, and the values in their place.

use std::collections::BTreeMap;

use serde_json::Value;

/// The values of a template's names, which are written without `$`.
pub(super) type Values = BTreeMap<&'static str, Value>;

/// Fills in a body: JSON, or a text that is returned as it is.
pub(super) fn fill_in_body(template: &str, values: &Values) -> (String, bool) {
    match serde_json::from_str(template) {
        Ok(body) => (fill_in_value(body, values).unwrap_or(Value::Null).to_string(), true),
        Err(_) => (fill_in_text(template, values), false),
    }
}

/// Fills in a JSON value; `None` if it is a name without a value.
pub(super) fn fill_in_value(template: Value, values: &Values) -> Option<Value> {
    match template {
        Value::String(text) => match text.strip_prefix('$') {
            Some(name) if is_name(name) => values.get(name).cloned(),
            _ => Some(fill_in_text(&text, values).into()),
        },
        Value::Array(items) => {
            Some(items.into_iter().filter_map(|item| fill_in_value(item, values)).collect())
        }
        Value::Object(members) => {
            let members = members
                .into_iter()
                .filter_map(|(name, value)| Some((name, fill_in_value(value, values)?)));
            Some(Value::Object(members.collect()))
        }
        other => Some(other),
    }
}

/// Fills in a text. A name without a value becomes empty.
pub(super) fn fill_in_text(template: &str, values: &Values) -> String {
    let mut parts = template.split('$');
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !is_name_char(c)).unwrap_or(part.len());
        let (name, rest) = part.split_at(end);
        match values.get(name) {
            Some(Value::String(text)) => filled.push_str(text),
            Some(value) => filled.push_str(&value.to_string()),
            None if name.is_empty() => filled.push('$'),
            None => {}
        }
        filled.push_str(rest);
    }
    filled
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_name_char)
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_lowercase() || c == '_'
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_become_values_of_their_type_and_members_without_one_go() {
        let values = Values::from([("n", json!(7)), ("who", json!("a\"b"))]);
        let filled = |template| fill_in_body(template, &values);
        assert_eq!(
            filled(r#"{"n":"$n","x":"$none","t":"$who-$n","l":["$n","$none"],"v":null}"#),
            (r#"{"l":[7],"n":7,"t":"a\"b-7","v":null}"#.to_owned(), true)
        );
        assert_eq!(filled("wait $n s for $none 5$"), ("wait 7 s for  5$".to_owned(), false));
    }
}
