//! Resources.

use rmcp::{ErrorData, model::ReadResourceResult};
use serde_json::{Value, json};

use crate::{
    fallback::{Answer, ours},
    tools::PNG,
};

const TEXT: &str = "test://static-text";
const BINARY: &str = "test://static-binary";
const WATCHED: &str = "test://watched-resource";

pub(crate) fn listed() -> Value {
    let resource = |uri: &str, name: &str, media_type: &str| json!({ "uri": uri, "name": name, "description": name, "mimeType": media_type });
    json!([
        resource(TEXT, "A text", "text/plain"),
        resource(BINARY, "An image", "image/png"),
        resource(WATCHED, "A text that may change", "text/plain"),
    ])
}

pub(crate) fn templates() -> Value {
    json!([{
        "uriTemplate": "test://template/{id}/data",
        "name": "Data",
        "description": "The data of an id.",
        "mimeType": "application/json",
    }])
}

pub(crate) fn read(uri: &str) -> Answer<ReadResourceResult> {
    let id = uri.strip_prefix("test://template/").and_then(|rest| rest.strip_suffix("/data"));
    let content = match (uri, id) {
        (TEXT, _) => json!({
            "uri": uri,
            "mimeType": "text/plain",
            "text": "This is the content of the static text resource.",
        }),
        (BINARY, _) => json!({ "uri": uri, "mimeType": "image/png", "blob": PNG }),
        (WATCHED, _) => json!({ "uri": uri, "mimeType": "text/plain", "text": "As it was." }),
        (_, Some(id)) => {
            let data =
                json!({ "id": id, "templateTest": true, "data": format!("Data for ID: {id}") });
            json!({ "uri": uri, "mimeType": "application/json", "text": data.to_string() })
        }
        _ => {
            let data = json!({ "uri": uri });
            return Err(ErrorData::invalid_params("Resource not found", Some(data)));
        }
    };
    Ok(ReadResourceResult::new(vec![ours(content)?]))
}
