//! Arguments of a call: JSON, or one by one.

use std::io::Read;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

/// The most bytes that are read from standard input.
const MAX_INPUT_BYTES: u64 = 4 << 20;

/// What the command line, or standard input, says.
#[derive(Debug)]
pub(super) struct Given<'a> {
    object: Map<String, Value>,
    /// Names and texts. The schema of the tool decides how a text is read.
    pairs: Vec<(&'a str, &'a str)>,
}

impl<'a> Given<'a> {
    /// Reads the object of `--args`, or of standard input for `-`, and each `--arg`.
    pub(super) fn read(
        json: Option<&str>,
        pairs: &'a [String],
        mut input: impl Read,
    ) -> Result<Self> {
        let text = match json {
            Some("-") => {
                let mut text = String::new();
                input.by_ref().take(MAX_INPUT_BYTES).read_to_string(&mut text)?;
                text
            }
            Some(text) => text.to_owned(),
            None => "{}".to_owned(),
        };
        let object = serde_json::from_str(&text)
            .context("the arguments are no JSON object: write `--args '{\"name\":\"value\"}'`")?;
        let pair = |pair: &'a String| {
            pair.split_once('=')
                .with_context(|| format!("`{pair}` is no argument: write `--arg name=value`"))
        };
        Ok(Self { object, pairs: pairs.iter().map(pair).collect::<Result<_>>()? })
    }

    /// The arguments of the call. The schema of the tool decides how a text is read.
    pub(super) fn collect(self, schema: &Value) -> Result<Value> {
        let mut arguments = self.object;
        for (name, text) in self.pairs {
            if arguments.insert(name.to_owned(), value(text, &schema["properties"][name])).is_some()
            {
                bail!("the argument `{name}` is there twice");
            }
        }
        Ok(Value::Object(arguments))
    }
}

/// The value of a text: a string if the schema wants one, and otherwise JSON, if the text is valid
/// JSON.
fn value(text: &str, schema: &Value) -> Value {
    let wants_string = match &schema["type"] {
        Value::String(kind) => kind == "string",
        Value::Array(kinds) => kinds.iter().any(|kind| kind == "string"),
        _ => false,
    };
    let parsed = serde_json::from_str(text).ok().filter(|_| !wants_string);
    parsed.unwrap_or_else(|| text.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Given;

    #[test]
    fn arguments_come_as_json_or_one_by_one() {
        let schema = json!({ "properties": { "title": { "type": "string" }, "limit": { "type": "integer" } } });
        let collect = |json: Option<&str>, pairs: &[&str], input: &str| {
            let pairs: Vec<_> = pairs.iter().map(|&pair| pair.to_owned()).collect();
            Given::read(json, &pairs, input.as_bytes())?.collect(&schema)
        };
        let found = collect(None, &["title=3", "limit=3", "other=a=b"], "").unwrap();
        assert_eq!(found, json!({ "title": "3", "limit": 3, "other": "a=b" }));
        assert_eq!(collect(Some("-"), &[], r#"{"limit":1}"#).unwrap(), json!({ "limit": 1 }));
        assert_eq!(collect(None, &[], "").unwrap(), json!({}));
        for (json, pairs, part) in [
            (Some("[1]"), &[][..], "no JSON object"),
            (None, &["title"], "write `--arg name=value`"),
            (Some(r#"{"limit":1}"#), &["limit=2"], "twice"),
        ] {
            let error = format!("{:#}", collect(json, pairs, "").unwrap_err());
            assert!(error.contains(part), "{error}");
        }
    }
}
