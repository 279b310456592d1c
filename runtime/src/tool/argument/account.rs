//! The argument that names one of the user's accounts at a provider.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Value, json, value::RawValue};

use super::{invalid::invalid, object::Members};
use crate::error::{Error, Rule};

/// The longest name that is looked for. No account has a longer one.
const MAX_NAME_LEN: usize = 400;

/// The schema of the argument that names an account at `provider`.
pub(crate) fn account_schema(provider: &str) -> Map<String, Value> {
    let description = format!(
        "The name of the user's account at {provider}, if the user has several and wants another one than the default. Leave it out otherwise."
    );
    let schema = json!({ "type": "string", "description": description });
    if let Value::Object(schema) = schema { schema } else { Map::new() }
}

/// The name in the argument, if it is given. Models send `null` or an empty text when they mean none.
pub(crate) fn account_argument(
    arguments: &RawValue,
    argument: &str,
) -> Result<Option<String>, Error> {
    // Most calls name no account, and their arguments are read once.
    let text = arguments.get();
    if !text.contains(argument) && !text.contains('\\') {
        return Ok(None);
    }
    let Ok(Members(members)) = serde_json::from_str(arguments.get()) else { return Ok(None) };
    let Some((_, raw)) = members.into_iter().find(|(name, _)| name == argument) else {
        return Ok(None);
    };
    let refuse =
        |rule: &str, kind| Err(invalid(format_args!("`{argument}`: {rule}"), Some(argument), kind));
    match serde_json::from_str::<Option<Name<'_>>>(raw.get()) {
        Ok(Some(Name(name))) if name.len() > MAX_NAME_LEN => {
            refuse("no account has so long a name", Rule::Length)
        }
        Ok(name) => {
            Ok(name.map(|Name(name)| name.trim().to_owned()).filter(|name| !name.is_empty()))
        }
        Err(_) => refuse("must be a string", Rule::Type),
    }
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    fn name(arguments: &str) -> Result<Option<String>, Error> {
        let raw = RawValue::from_string(arguments.to_owned()).unwrap();
        account_argument(&raw, "account")
    }

    #[test]
    fn an_empty_account_argument_names_no_account() {
        for none in [r"{}", r#"{"x":"account"}"#, r#"{"account":null}"#, r#"{"account":" "}"#, "[]"]
        {
            assert_eq!(name(none).unwrap(), None, "{none}");
        }
        assert_eq!(name(r#"{"account":" wo\u0072k "}"#).unwrap().as_deref(), Some("work"));
        assert_eq!(name(r#"{"\u0061ccount":"work"}"#).unwrap().as_deref(), Some("work"));
        for other in [r#"{"account":7}"#, r#"{"account":["work"]}"#] {
            assert!(name(other).unwrap_err().message().contains("must be a string"), "{other}");
        }
        let long = format!(r#"{{"account":"{}"}}"#, "x".repeat(MAX_NAME_LEN + 1));
        assert!(name(&long).is_err());
    }
}
