//! Generated values of the schemas of a zoo of types, and their mutations as hosts make them.

use integration::{
    two_ways::TwoWays,
    zoo::{self, CALLS},
};
use proptest::{
    prelude::*,
    test_runner::{RngAlgorithm, TestRng},
};
use serde_json::{Value, json};
use toolgate::Server;

use super::result;

/// A random number generator for one case.
struct Dice(TestRng);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        usize::try_from(self.0.next_u64() % sides as u64).unwrap()
    }
}

/// A value of a schema.
fn generate(schema: &Value, root: &Value, dice: &mut Dice, depth: usize) -> Value {
    if let Some(path) = schema["$ref"].as_str() {
        return generate(root.pointer(&path[1..]).unwrap(), root, dice, depth);
    }
    if let Some(values) = schema["enum"].as_array() {
        return values[dice.roll(values.len())].clone();
    }
    if let Some(alternatives) = schema["anyOf"].as_array() {
        // Deep down, the one that ends first.
        let at = if depth > 4 { 0 } else { dice.roll(alternatives.len()) };
        return generate(&alternatives[at], root, dice, depth + 1);
    }
    let count = |dice: &mut Dice, low: &str, high: &str| {
        let low = schema[low].as_u64().unwrap_or(0);
        let high = schema[high].as_u64().unwrap_or(if depth > 4 { low } else { low + 3 });
        low + dice.roll(usize::try_from(high - low + 1).unwrap()) as u64
    };
    match schema["type"].as_str() {
        Some("integer") => {
            let bound = |name: &str| schema[name].as_number().and_then(serde_json::Number::as_i128);
            let low = bound("minimum").unwrap_or(i64::MIN.into());
            let high = bound("maximum").unwrap_or(i64::MAX.into());
            let among =
                [low, high, low + 1, high - 1, i128::midpoint(low, high), 1.clamp(low, high)];
            let number = among[dice.roll(among.len())];
            let number = u64::try_from(number).map(Value::from);
            number.unwrap_or_else(|_| Value::from(i64::try_from(low).unwrap()))
        }
        Some("number") => [json!(0.5), json!(-3), json!(1e6)][dice.roll(3)].clone(),
        Some("boolean") => (dice.roll(2) == 0).into(),
        Some("null") => Value::Null,
        Some("string") if schema["maxLength"] == 1 => "x".into(),
        Some("string") => ["", "5", "null", "[1]", "true", "\"", "text"][dice.roll(7)].into(),
        Some("array") => {
            let count = count(dice, "minItems", "maxItems");
            (0..count).map(|_| generate(&schema["items"], root, dice, depth + 1)).collect()
        }
        Some("object") => {
            let mut object = serde_json::Map::new();
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                let required = schema["required"]
                    .as_array()
                    .is_some_and(|all| all.contains(&name.as_str().into()));
                if required || depth < 4 && dice.roll(2) == 0 {
                    object.insert(name.clone(), generate(property, root, dice, depth + 1));
                }
            }
            if schema["additionalProperties"].is_object() {
                for at in 0..count(dice, "minProperties", "maxProperties") {
                    let value = generate(&schema["additionalProperties"], root, dice, depth + 1);
                    object.insert(at.to_string(), value);
                }
            }
            object.into()
        }
        _ => [json!({ "a": "5" }), json!("5"), json!(5), json!([null])][dice.roll(4)].clone(),
    }
}

/// The JSON of a value as some host sends it.
fn mutate(value: &Value, schema: &Value, root: &Value, dice: &mut Dice, texts: usize) -> String {
    if let Some(path) = schema["$ref"].as_str() {
        return mutate(value, root.pointer(&path[1..]).unwrap(), root, dice, texts);
    }
    if let Some(alternatives) = schema["anyOf"].as_array() {
        let tagged = |schema: &Value| {
            let properties = schema["properties"].as_object();
            properties.is_some_and(|properties| {
                properties.iter().all(|(name, property)| {
                    property["enum"].as_array().is_none_or(|tags| tags.contains(&value[name]))
                }) && schema["required"].as_array().is_none_or(|required| {
                    required.iter().all(|name| value.get(name.as_str().unwrap()).is_some())
                })
            })
        };
        // A text that is one of the alternatives could be meant.
        let has_text = |schema: &Value| schema["type"] == "string" && schema["enum"].is_null();
        let fitting: Vec<_> = alternatives.iter().filter(|schema| tagged(schema)).collect();
        return match fitting.as_slice() {
            [one] if !alternatives.iter().any(has_text) => mutate(value, one, root, dice, texts),
            _ => value.to_string(),
        };
    }
    let raw = match schema["type"].as_str() {
        Some("integer") => {
            let text = value.to_string();
            match dice.roll(4) {
                0 => format!("{text}.0"),
                1 => format!("{text}e0"),
                2 if *value != 0 => format!("{text}00e-2"),
                _ => text,
            }
        }
        Some("number" | "boolean") => value.to_string(),
        Some("array") => {
            let items: Vec<_> = value
                .as_array()
                .into_iter()
                .flatten()
                .map(|item| mutate(item, &schema["items"], root, dice, texts))
                .collect();
            format!("[{}]", items.join(","))
        }
        Some("object") => {
            let mut members = Vec::new();
            for (name, member) in value.as_object().into_iter().flatten() {
                let property = schema["properties"].get(name);
                let property = property.unwrap_or(&schema["additionalProperties"]);
                let raw = mutate(member, property, root, dice, texts);
                members.push(format!("{}:{raw}", Value::from(name.as_str())));
            }
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                let takes_any = property.as_object().unwrap().is_empty();
                if value.get(name).is_none() && property["anyOf"].is_null() && !takes_any {
                    members.push(format!("{}:null", Value::from(name.as_str())));
                }
            }
            format!("{{{}}}", members.join(","))
        }
        _ => return value.to_string(),
    };
    let is_text = dice.roll(3) == 0 && texts < 3;
    if is_text { Value::from(raw).to_string() } else { raw }
}

/// The tools whose schemas say all that decoding wants: there is no keyword for the types in a
/// tuple, for numbers as keys, and for the variant that a flattened argument belongs to.
const EXACT: &[&str] = &[
    "order",
    "plain",
    "internal",
    "untagged",
    "optional",
    "option",
    "anything",
    "value",
    "node",
    "expression",
    "flat",
    "rest",
    "closed",
    "pages",
    "named",
    "defaults",
    "namesakes",
];

#[tokio::test]
async fn values_of_the_schema_are_taken_and_their_mutations_mean_the_same() {
    let add = |server: Server| server.tools(zoo::tools());
    let ways = TwoWays::serving(add).await;
    let described = add(Server::new("zoo", "1")).build().await.unwrap().describe();
    let mut dice = Dice(TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    for tool in described.tools.iter().filter(|tool| EXACT.contains(&tool.name.as_str())) {
        let schema = &tool.definition["inputSchema"];
        for _ in 0..40 {
            let value = generate(schema, schema, &mut dice, 0);
            let plain = result(&ways, &tool.name, &value.to_string()).await;
            assert!(plain.is_ok(), "{} {value}: {plain:?}\n{schema}", tool.name);
            let mutation = mutate_arguments(&value, schema, &mut dice);
            let mutated = result(&ways, &tool.name, &mutation).await;
            assert_eq!(mutated, plain, "{} {value}: {mutation}", tool.name);
        }
    }
    // Of the others, the calls that are known to succeed.
    for (name, arguments) in CALLS {
        let tool = described.tools.iter().find(|tool| tool.name == *name).unwrap();
        let schema = &tool.definition["inputSchema"];
        let plain = result(&ways, name, arguments).await;
        for _ in 0..20 {
            let value = serde_json::from_str(arguments).unwrap();
            let mutation = mutate_arguments(&value, schema, &mut dice);
            assert_eq!(result(&ways, name, &mutation).await, plain, "{name} {mutation}");
        }
    }
}

/// The arguments themselves are always an object, to which hosts add some of their own.
fn mutate_arguments(value: &Value, schema: &Value, dice: &mut Dice) -> String {
    let object = mutate(value, schema, schema, dice, 3);
    // Inside of it, texts are opened.
    let mut members = Vec::new();
    for (name, member) in value.as_object().unwrap() {
        let raw = mutate(member, &schema["properties"][name], schema, dice, 0);
        members.push(format!("{}:{raw}", Value::from(name.as_str())));
    }
    if dice.roll(2) == 0 {
        return object;
    }
    if dice.roll(2) == 0 {
        members.push("\"toolCallId\":\"5\"".to_owned());
    }
    format!("{{{}}}", members.join(","))
}
