//! What can be learnt of a message before rmcp reads it: the arguments of a call as they were sent.
//!
//! rmcp keeps arguments as a map, in which the last of two equal names wins silently. The raw text
//! goes beside the request instead, so that our own decoder sees all of it.

use std::{borrow::Cow, sync::Arc};

use serde::Deserialize;
use serde_json::value::RawValue;

/// The arguments of a `tools/call`, as the client wrote them.
#[derive(Clone)]
pub(crate) struct RawArguments(pub(crate) Arc<RawValue>);

#[derive(Deserialize)]
struct Message<'a> {
    // Borrowed only where nothing is escaped: `"tools\/call"` is the same method.
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow)]
    params: Params<'a>,
}

#[derive(Deserialize)]
struct Params<'a> {
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
}

/// The raw arguments of `message`, if it is a call that has any.
///
/// A message that is not understood here is rmcp's to refuse.
pub(crate) fn raw_arguments(message: &[u8]) -> Option<RawArguments> {
    let message: Message<'_> = serde_json::from_slice(message).ok()?;
    if message.method != "tools/call" {
        return None;
    }
    Some(RawArguments(message.params.arguments?.to_owned().into()))
}

#[cfg(test)]
mod tests {
    use super::raw_arguments;

    #[test]
    fn keeps_what_a_map_would_lose() {
        let raw =
            |message: &str| raw_arguments(message.as_bytes()).map(|raw| raw.0.get().to_owned());
        assert_eq!(
            raw(r#"{"method":"tools\/call","params":{"name":"t","arguments":{"a":1,"a":2}}}"#)
                .as_deref(),
            Some(r#"{"a":1,"a":2}"#),
        );
        assert_eq!(raw(r#"{"method":"tools/list","params":{"arguments":{}}}"#), None);
        assert_eq!(raw(r#"{"method":"tools/call","params":[]}"#), None);
        assert_eq!(raw("["), None);
    }
}
