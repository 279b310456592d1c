//! Tools of the stand-in.

use serde_json::{Value, json};

use super::{State, fault::Fault};

impl State {
    /// The tools, some of them with a fault.
    pub(super) fn tools(&self) -> Vec<Value> {
        let mut tool = json!({
            "name": "list_notes",
            "description": "Lists notes.",
            "inputSchema": {
                "type": "object",
                "properties": {
                    "tags": { "type": "array", "items": { "type": "string" } },
                    "from": { "$ref": "#/$defs/Time" },
                },
                "required": ["tags"],
                "$defs": { "Time": { "type": "string", "format": "date-time" } },
            },
            "outputSchema": { "type": "object" },
        });
        let Some(fault) = self.kind.fault else { return vec![tool] };
        let (place, value) = match fault {
            Fault::DottedName => ("/name", json!("notes.list")),
            Fault::LongName => ("/name", json!("list_notes_of_everyone_who_has_ever_written_one")),
            Fault::NoDescription => ("/description", json!("")),
            Fault::NoInputType => ("/inputSchema/type", Value::Null),
            Fault::TrueProperty => ("/inputSchema/properties/tags", json!(true)),
            Fault::ArrayWithoutItems => {
                ("/inputSchema/properties/tags", json!({ "type": "array" }))
            }
            Fault::RemoteReference => {
                ("/inputSchema/properties/from/$ref", json!("https://schemas.example/time.json"))
            }
            Fault::RequiredIsUnknown => ("/inputSchema/required", json!(["tags", "owner"])),
            Fault::OutputIsList => ("/outputSchema/type", json!("array")),
            Fault::RustFormat => (
                "/inputSchema/properties/tags/items",
                json!({ "type": "integer", "format": "uint32" }),
            ),
            Fault::SameName => return vec![tool.clone(), tool],
            Fault::ManyTools => {
                let named = |number: usize| {
                    tool["name"] = format!("list_notes_{number}").into();
                    tool.clone()
                };
                return (0..129).map(named).collect();
            }
            Fault::TopLevelUnion => {
                tool["inputSchema"]["anyOf"] = json!([{ "required": ["tags"] }]);
                return vec![tool];
            }
            Fault::BlankKey => {
                tool["inputSchema"]["properties"]["of whom"] = json!({ "type": "string" });
                return vec![tool];
            }
            _ => return vec![tool],
        };
        *tool.pointer_mut(place).unwrap() = value;
        vec![tool]
    }
}
