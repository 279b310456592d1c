//! What is read leniently, and what is not.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt::Debug,
    num::{NonZeroI8, NonZeroU16},
    time::{Duration, Instant},
};

use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::coerce;
use crate::tool::schema::{Side, TypeSchema};

/// Decodes as an argument does: strictly, and then leniently.
fn read<T: DeserializeOwned + JsonSchema>(raw: &str) -> Option<T> {
    serde_json::from_str(raw).ok().or_else(|| {
        let schema = TypeSchema::new(SchemaGenerator::subschema_for::<T>, Side::Input);
        serde_json::from_str(&coerce(raw, &schema)?).ok()
    })
}

#[track_caller]
fn reads<T: DeserializeOwned + JsonSchema + PartialEq + Debug>(raw: &str, expected: T) {
    assert_eq!(read::<T>(raw), Some(expected), "{raw}");
}

#[track_caller]
fn refuses<T: DeserializeOwned + JsonSchema + PartialEq + Debug>(all: &[&str]) {
    for raw in all {
        assert_eq!(read::<T>(raw), None, "{raw}");
    }
}

#[derive(Debug, Default, Deserialize, JsonSchema, PartialEq)]
struct Filter {
    limit: u8,
    #[serde(default)]
    tags: Vec<String>,
    exact: Option<bool>,
    #[serde(default = "seven")]
    level: i16,
    #[serde(default = "some_seven")]
    depth: Option<i16>,
}

fn seven() -> i16 {
    7
}

#[allow(clippy::unnecessary_wraps, reason = "serde's defaults have the type of the field")]
fn some_seven() -> Option<i16> {
    Some(7)
}

fn filter(limit: u8) -> Filter {
    Filter { limit, level: 7, depth: Some(7), ..Filter::default() }
}

#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
struct Query {
    #[serde(flatten)]
    filter: Filter,
    #[serde(flatten)]
    by: By,
    filters: BTreeMap<String, Filter>,
}

#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
#[serde(tag = "by", rename_all = "lowercase")]
enum By {
    Size { bytes: u64, exact_size: Option<bool> },
    Name { name: String },
}

#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
#[serde(tag = "kind", content = "value")]
enum Adjacent {
    Count(u32),
    List(Vec<i8>),
    Nothing,
}

#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
enum External {
    Word,
    Count(u32),
    Pair(u8, bool),
    Named { on: bool },
}

#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
#[serde(untagged)]
enum NumberOrText {
    Number(u8),
    Text(String),
}

#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
#[serde(untagged)]
enum Tree {
    Leaf(u8),
    Branch(Vec<Tree>),
    Named { child: Box<Tree>, weight: Option<f32> },
    Other { child: Box<Tree>, note: String },
}

#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
#[serde(untagged)]
enum SmallOrLarge {
    Small(u8),
    Large(i64),
}

#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
struct Mixed {
    any: Value,
    either: NumberOrText,
    text: Option<String>,
    number: u8,
}

#[test]
fn text_that_holds_json_is_read_where_no_text_is_expected() {
    reads("\"5\"", 5_u8);
    reads("\" 5\\n\"", 5_u8);
    reads("\"-5\"", -5_i64);
    reads("\"true\"", true);
    reads("\"1.5\"", 1.5_f64);
    reads("\"1e2\"", 100.0_f32);
    reads("\"[1,2]\"", vec![1_u8, 2]);
    reads(r#"["1","2"]"#, vec![1_u8, 2]);
    reads(r#""[\"1\",\"2.0\"]""#, vec![1_u8, 2]);
    reads(r#""[\"a\",\"2\"]""#, vec!["a".to_owned(), "2".to_owned()]);
    reads(r#""{\"limit\":\"3\"}""#, filter(3));
    reads(
        r#"{"limit":"3","tags":"[\"5\"]","exact":"true","level":"-1.0"}"#,
        Filter { tags: vec!["5".to_owned()], exact: Some(true), level: -1, ..filter(3) },
    );
    reads(r#""\"5\"""#, 5_u8);
    reads("\"[true,\\\"false\\\"]\"", [true, false]);
    reads("[\"1\",\"b\"]", (1_u8, "b".to_owned()));
    reads("{\"a\":\"1\"}", BTreeMap::from([("a".to_owned(), 1_u8)]));
    reads("{\"1\":\"1\"}", HashMap::from([(1_u8, 1_u8)]));
    reads("\"{\\\"-1\\\":2}\"", HashMap::from([(-1_i8, 2_u8)]));
    reads("\"[3,3]\"", BTreeSet::from([3_u8]));
    reads("\"7\"", NonZeroU16::new(7).unwrap());
    reads("\"null\"", None::<u8>);
    reads("\"5\"", Some(5_u8));
    reads("[\"null\",\"5\"]", vec![None, Some(5_u8)]);
    reads("\"170141183460469231731687303715884105727\"", i128::MAX);
    reads("\"{\\\"secs\\\":\\\"1\\\",\\\"nanos\\\":0}\"", Duration::from_secs(1));
}

#[test]
fn text_that_holds_no_json_or_something_else_is_refused() {
    refuses::<u8>(&[
        "\"\"",
        "\" \"",
        "\"a\"",
        "\"05\"",
        "\"+5\"",
        "\"5.\"",
        "\".5\"",
        "\"0x5\"",
        "\"5 6\"",
        "\"300\"",
        "\"-1\"",
        "\"5.5\"",
        "\"null\"",
        "\"true\"",
        "\"[5]\"",
        "\"NaN\"",
        "\"\\ud800\"",
    ]);
    refuses::<bool>(&["\"True\"", "\"yes\"", "\"1\"", "1", "0", "\"\""]);
    refuses::<f64>(&["\"NaN\"", "\"Infinity\"", "\"1e400\"", "\"1,5\"", "\"\""]);
    refuses::<Vec<u8>>(&["\"1,2\"", "\"5\"", "5", "\"[1,2\"", "\"[1,300]\"", "\"{}\""]);
    refuses::<Filter>(&["\"{}\"", "\"[]\"", "\"limit\"", r#""{\"limit\":\"a\"}""#]);
    refuses::<String>(&["5", "true", "null", "[]", "{}"]);
    refuses::<Option<u8>>(&["\"\"", "\"a\""]);
    refuses::<NonZeroI8>(&["\"0\"", "0.0"]);
    refuses::<char>(&["5", "\"55\""]);
    // Fewer texts in texts are opened than an attacker can nest.
    let mut nested = "5".to_owned();
    for _ in 0..5 {
        nested = Value::from(nested).to_string();
    }
    refuses::<u8>(&[&nested]);
}

#[test]
fn what_decodes_is_never_changed() {
    reads("\"5\"", "5".to_owned());
    reads("\"null\"", Some("null".to_owned()));
    reads("\"[1]\"", vec!["x".to_owned()].pop().map(|_| "[1]".to_owned()));
    reads("\"5\"", json!("5"));
    reads("{\"a\":\"5\"}", json!({ "a": "5" }));
    reads("\"5\"", NumberOrText::Text("5".to_owned()));
    reads("[\"5\",5]", vec![NumberOrText::Text("5".to_owned()), NumberOrText::Number(5)]);
    // Also not where something else in the value does not decode.
    reads(
        r#"{"any":{"b":"5","a":[ "null", 1.0 ]},"either":"5","text":"null","number":"5"}"#,
        Mixed {
            any: json!({ "b": "5", "a": ["null", 1.0] }),
            either: NumberOrText::Text("5".to_owned()),
            text: Some("null".to_owned()),
            number: 5,
        },
    );
}

#[test]
fn a_zero_fraction_is_an_integer() {
    for raw in ["30.0", "30", "3e1", "3E+1", "30.000", "300e-1", "0.3e2", "3000.0e-2"] {
        reads(raw, 30_u8);
        reads(&format!("[{raw}]"), vec![30_i64]);
        reads(&format!("{{\"limit\":{raw}}}"), filter(30));
    }
    reads("-0.0", 0_u8);
    reads("-0", 0_i64);
    reads("0e99", 0_u8);
    reads("-30.0", -30_i8);
    reads("9007199254740993.0", 9_007_199_254_740_993_i64);
    reads("9223372036854775807.0", i64::MAX);
    reads("-9223372036854775808.0", i64::MIN);
    reads("18446744073709551615.0", u64::MAX);
    reads("1e19", 10_000_000_000_000_000_000_u64);
    reads("170141183460469231731687303715884105727.0", i128::MAX);
    reads("30.0", SmallOrLarge::Small(30));
    reads("300.0", SmallOrLarge::Large(300));
    reads("\"300\"", SmallOrLarge::Large(300));
    refuses::<u8>(&["30.5", "-1.0", "300.0", "256.0", "1e3", "1e-1", "3e999999999999", "0.1e0"]);
    refuses::<i64>(&["9223372036854775808.0", "1e19", "-9223372036854775809.0", "1e400"]);
    refuses::<u64>(&["18446744073709551616.0", "1e20", "-1.0"]);
    refuses::<SmallOrLarge>(&["30.5"]);
}

#[test]
fn null_is_left_out_where_something_can_be() {
    reads(r#"{"limit":1,"tags":null,"exact":null,"level":null}"#, filter(1));
    reads(r#"{"limit":1,"tags":"null","level":"null"}"#, filter(1));
    // Here null is a value, and not the default.
    reads(r#"{"limit":"1","depth":null}"#, Filter { depth: None, ..filter(1) });
    reads(r#"[{"limit":1,"tags":null}]"#, vec![filter(1)]);
    reads(r#"{"a":{"limit":1,"tags":null}}"#, BTreeMap::from([("a".to_owned(), filter(1))]));
    refuses::<Filter>(&[r#"{"limit":null}"#, r#"{"limit":"null"}"#, "null"]);
    refuses::<Vec<u8>>(&["[null]", "null"]);
    refuses::<BTreeMap<String, u8>>(&["{\"a\":null}"]);
}

#[test]
fn enums_of_every_tagging_and_flattened_structs_are_read() {
    reads(r#"{"Count":"5"}"#, External::Count(5));
    reads(r#""{\"Pair\":[\"1\",\"true\"]}""#, External::Pair(1, true));
    reads(r#"{"Named":{"on":"false"}}"#, External::Named { on: false });
    reads("\"Word\"", External::Word);
    reads(
        r#"{"by":"size","bytes":"5","exact_size":null}"#,
        By::Size { bytes: 5, exact_size: None },
    );
    reads(r#"{"by":"size","bytes":5.0}"#, By::Size { bytes: 5, exact_size: None });
    reads(r#"{"by":"name","name":"5"}"#, By::Name { name: "5".to_owned() });
    reads(r#"{"kind":"Count","value":"5"}"#, Adjacent::Count(5));
    reads(r#"{"kind":"List","value":"[1,\"2\"]"}"#, Adjacent::List(vec![1, 2]));
    reads(r#""{\"kind\":\"Nothing\"}""#, Adjacent::Nothing);
    let leaf = |value| Box::new(Tree::Leaf(value));
    reads("\"5\"", Tree::Leaf(5));
    reads("[\"5\",[6.0]]", Tree::Branch(vec![Tree::Leaf(5), Tree::Branch(vec![Tree::Leaf(6)])]));
    reads(r#"{"child":"5","weight":"1"}"#, Tree::Named { child: leaf(5), weight: Some(1.0) });
    let query = Query {
        filter: Filter { exact: Some(true), ..filter(3) },
        by: By::Size { bytes: 9, exact_size: Some(false) },
        filters: BTreeMap::from([("f".to_owned(), filter(1))]),
    };
    reads(
        r#"{"limit":"3","exact":"true","level":null,"by":"size","bytes":"9","exact_size":"false","filters":"{\"f\":{\"limit\":1.0}}"}"#,
        query,
    );
    refuses::<External>(&["\"Wort\"", r#"{"Count":"a"}"#, r#"{"Pair":"[1]"}"#]);
    refuses::<By>(&[r#"{"by":"size"}"#, r#"{"by":"size","bytes":null}"#, r#"{"by":"nothing"}"#]);
}

#[test]
fn the_work_on_a_hostile_value_is_bounded() {
    // serde itself tries each variant in each, so this looks at the reader alone.
    let coerces = |raw: &str| {
        let schema = TypeSchema::new(SchemaGenerator::subschema_for::<Tree>, Side::Input);
        coerce(raw, &schema).is_some()
    };
    let began = Instant::now();
    // Each level doubles what two variants of one shape can be.
    let mut deep = "\"x\"".to_owned();
    for _ in 0..60 {
        deep = format!("{{\"child\":{deep},\"note\":1}}");
    }
    assert!(!coerces(&deep));
    // Quotation marks that grow by five bytes with each text around them.
    let mut texts = "5".to_owned();
    for _ in 0..60 {
        texts = format!("[\"{}\"]", texts.replace('\\', "\\u005c").replace('"', "\\u0022"));
    }
    let _ = coerces(&texts);
    for raw in [
        "[".repeat(100_000),
        format!("\"{}\"", "[".repeat(100_000)),
        format!("\"{}{}\"", "[".repeat(5_000), "]".repeat(5_000)),
        format!("{}5{}", "[".repeat(50_000), "]".repeat(50_000)),
        format!("{{{}\"child\":\"x\"}}", "\"child\":1,".repeat(100_000)),
    ] {
        assert!(!coerces(&raw));
    }
    refuses::<Vec<u8>>(&[&format!("[{}\"x\"]", "\"1\",".repeat(100_000))]);
    let many = format!("[{}\"2.0\"]", "\"1\",".repeat(100_000));
    assert_eq!(read::<Vec<u8>>(&many).map(|all| all.len()), Some(100_001));
    // Without bounds it takes longer than the universe has had.
    assert!(began.elapsed() < Duration::from_secs(300), "{:?}", began.elapsed());
}
