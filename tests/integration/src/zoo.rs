//! One type for each shape that serde and schemars can give to a value, and a tool that returns it.
#![allow(missing_docs, reason = "what is not documented is a shape as well")]

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
    num::{NonZeroI8, NonZeroU32},
    path::PathBuf,
    time::Duration,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use toolgate::prelude::*;

/// Declares the types of the zoo.
macro_rules! types {
    ($($item:item)*) => { $(
        #[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
        $item
    )* };
}

types! {
    /// Integers of every width.
    pub struct Integers {
        a: u8, b: u16, c: u32, d: u64, e: usize, f: u128,
        g: i8, h: i16, i: i32, j: i64, k: isize, l: i128,
        m: NonZeroU32, n: NonZeroI8,
    }

    /// What else is one value.
    pub struct Scalars {
        flag: bool, ratio: f64, small: f32, letter: char, text: String, nothing: (),
        path: PathBuf, waits: Duration, boxed: Box<u8>, borrowed: Cow<'static, str>, unit: Unit, new: New,
    }

    /// Nothing.
    pub struct Unit;

    /// A number with a name.
    pub struct New(u32);

    /// Formats of other crates: `chrono` and `uuid`, and some that nobody knows.
    pub struct Formats {
        #[schemars(extend("format" = "date-time"))] at: String,
        #[schemars(extend("format" = "partial-date-time"))] local: String,
        #[schemars(extend("format" = "date"))] day: String,
        #[schemars(extend("format" = "uuid"))] id: String,
        #[schemars(extend("format" = "ip"))] address: String,
        #[schemars(extend("format" = "uri"))] url: String,
    }

    /// An order.
    #[serde(rename_all = "snake_case")]
    pub enum Order {
        /// The small ones first.
        Ascending,
        /// The great ones
        /// first.
        Descending,
        AsFound,
    }

    /// A direction.
    pub enum Plain { Up, Down }

    /// Tagged by a key of its own.
    pub enum External {
        /// Nothing more.
        Word,
        Other,
        Number(u8),
        Pair(u8, String),
        Named { on: bool, level: Option<u8> },
    }

    /// Tagged inside.
    #[serde(tag = "kind", rename_all = "lowercase")]
    pub enum Internal {
        /// Nothing more.
        Empty,
        Sized { bytes: u64 },
        Cut(Cut),
    }

    /// Tagged beside the content.
    #[serde(tag = "kind", content = "value")]
    pub enum Adjacent { Empty, Number(u32), List(Vec<i8>), Named { on: bool } }

    /// Not tagged.
    #[serde(untagged)]
    pub enum Untagged { Number(u8), Text(String), List(Vec<u8>), Cut(Cut) }

    /// How a list is cut.
    pub struct Cut {
        /// Where it begins.
        from: u32,
        order: Order,
    }

    /// What can be left out.
    pub struct Optional {
        number: Option<u8>,
        /// How it is sorted.
        order: Option<Order>,
        cut: Option<Cut>,
        list: Option<Vec<Option<u8>>>,
        any: Option<Value>,
        #[serde(default)] flag: bool,
        #[serde(default = "seven")] level: u8,
        #[serde(default = "some_seven")] depth: Option<u8>,
        #[serde(default)] none: Option<bool>,
        #[schemars(required)] required: Option<bool>,
    }

    /// Maps.
    pub struct Maps {
        words: BTreeMap<String, u8>,
        numbers: BTreeMap<u8, bool>,
        signed: BTreeMap<i8, bool>,
        orders: HashMap<PlainKey, u8>,
        nested: BTreeMap<String, BTreeMap<String, Vec<Option<bool>>>>,
        any: Map<String, Value>,
    }

    /// Anything.
    pub struct Anything { any: Value, list: Vec<Value>, map: Map<String, Value> }

    /// Lists.
    pub struct Lists {
        pair: (u8, String), same: (u8, u8), one: (bool,), array: [i8; 3], set: BTreeSet<u8>,
        pairs: Vec<(String, Option<bool>)>, deep: Vec<Vec<Vec<u8>>>, tuple: Tuple,
    }

    /// Two values without names.
    pub struct Tuple(u8, Order);

    /// Holds things like itself.
    pub struct Node { name: String, children: Vec<Node>, next: Option<Box<Node>> }

    /// Holds itself, in a variant.
    #[serde(tag = "op", rename_all = "lowercase")]
    pub enum Expression {
        Number { value: i32 },
        Sum { of: Vec<Expression> },
        Not(Box<Negation>),
    }

    /// What is negated.
    pub struct Negation {
        /// The other one.
        expression: Expression,
    }

    /// Parts that are flattened.
    pub struct Flat {
        id: u8,
        #[serde(flatten)] cut: Cut,
        #[serde(flatten)] kind: Flattened,
        #[serde(flatten)] more: Option<More>,
    }

    /// Tagged, and flattened.
    #[serde(tag = "kind", rename_all = "lowercase")]
    pub enum Flattened {
        /// Nothing more.
        Empty,
        Sized { bytes: u64 },
    }

    /// More of it.
    pub struct More { more: String }

    /// The rest is flattened.
    pub struct Rest { id: u8, #[serde(flatten)] rest: BTreeMap<String, u8> }

    /// No more than these.
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    pub struct Closed {
        first_name: String,
        #[serde(rename = "type")] kind: u8,
        #[serde(alias = "nick")] nick_name: Option<String>,
    }

    /// A page of things.
    pub struct Page<T> { items: Vec<T>, next: Option<T> }

    /// Pages of two types.
    pub struct Pages { numbers: Page<u8>, cuts: Page<Cut>, result: Result<u8, String> }

    /// Two types of one name.
    pub struct Named { here: here::Same, there: there::Same, #[serde(flatten)] flat: inside::Same }
}

/// The key of a map.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
pub enum PlainKey {
    Up,
    Down,
}

fn seven() -> u8 {
    7
}

#[allow(clippy::unnecessary_wraps, reason = "a default has the type of its field")]
fn some_seven() -> Option<u8> {
    Some(7)
}

macro_rules! namesakes {
    ($($module:ident { $field:ident: $type:ty })*) => { $(
        pub mod $module {
            //! A type that has the name of another.
            use super::*;

            types! {
                /// One of those that have the same name.
                pub struct Same { $field: $type, inner: Inner }

                /// What is in it.
                pub struct Inner { $field: Vec<$type> }
            }
        }
    )* };
}
namesakes! { here { a: u8 } there { b: bool } inside { c: String } }

macro_rules! tools {
    ($($name:ident: $type:ty;)*) => {
        $(
            /// Returns what it takes.
            #[tool]
            pub async fn $name(value: $type) -> Json<$type> {
                Json(value)
            }
        )*

        /// A tool for each type.
        pub fn tools() -> toolgate::tool::Tools {
            toolgate::tools![$($name),*, flattened, defaults, namesakes]
        }
    };
}

tools! {
    integers: Integers;
    scalars: Scalars;
    formats: Formats;
    order: Order;
    plain: Plain;
    external: External;
    internal: Internal;
    adjacent: Adjacent;
    untagged: Untagged;
    optional: Optional;
    option: Option<Cut>;
    maps: Maps;
    anything: Anything;
    value: Value;
    lists: Lists;
    node: Node;
    expression: Expression;
    flat: Flat;
    rest: Rest;
    closed: Closed;
    pages: Pages;
    named: Named;
}

/// Takes the fields of a type, and of an enum in it.
#[tool]
pub async fn flattened(#[arg(flatten)] flat: Flat, also: u8) -> Json<(Flat, u8)> {
    Json((flat, also))
}

/// Has defaults and rules.
#[tool]
pub async fn defaults(
    #[arg(default = 30, range(1..=100))] limit: u32,
    #[arg(default)] order: Option<Order>,
    #[arg(default = Some(3), range(..=9))] depth: Option<u8>,
    /// How it is sorted.
    #[arg(default = Order::AsFound)]
    sorted: Order,
    #[arg(length(1..=3), default = vec![1])] list: Vec<u8>,
) -> Json<(u32, Option<Order>, Option<u8>, Order, Vec<u8>)> {
    Json((limit, order, depth, sorted, list))
}

/// Takes types of one name, also of one that is declared in a function.
#[tool]
pub async fn namesakes(
    here: here::Same,
    there: Option<there::Same>,
    #[arg(flatten)] flat: inside::Same,
) -> Json<(here::Same, Option<there::Same>, inside::Same)> {
    Json((here, there, flat))
}

/// Calls of the tools that succeed.
pub const CALLS: &[(&str, &str)] = &[
    (
        "integers",
        r#"{"value":{"a":255,"b":65535,"c":4294967295,"d":18446744073709551615,"e":0,"f":0,"g":-128,"h":-32768,"i":-2147483648,"j":-9223372036854775808,"k":9223372036854775807,"l":-9223372036854775808,"m":1,"n":-1}}"#,
    ),
    (
        "scalars",
        r#"{"value":{"flag":true,"ratio":1.5,"small":2,"letter":"ß","text":"","nothing":null,"path":"/a","waits":{"secs":1,"nanos":2},"boxed":1,"borrowed":"b","unit":null,"new":3}}"#,
    ),
    (
        "formats",
        r#"{"value":{"at":"2026-11-29T06:00:00Z","local":"2026-11-29T06:00:00","day":"2026-11-29","id":"67e55044-10b1-426f-9247-bb680e5fe0c8","address":"::1","url":"https://example.com/"}}"#,
    ),
    ("order", r#"{"value":"ascending"}"#),
    ("order", r#"{"value":"as_found"}"#),
    ("plain", r#"{"value":"Down"}"#),
    ("external", r#"{"value":"Word"}"#),
    ("external", r#"{"value":{"Number":5}}"#),
    ("external", r#"{"value":{"Pair":[1,"b"]}}"#),
    ("external", r#"{"value":{"Named":{"on":true}}}"#),
    ("internal", r#"{"value":{"kind":"empty"}}"#),
    ("internal", r#"{"value":{"kind":"sized","bytes":9}}"#),
    ("internal", r#"{"value":{"kind":"cut","from":1,"order":"descending"}}"#),
    ("adjacent", r#"{"value":{"kind":"Empty"}}"#),
    ("adjacent", r#"{"value":{"kind":"List","value":[-1,2]}}"#),
    ("adjacent", r#"{"value":{"kind":"Named","value":{"on":false}}}"#),
    ("untagged", r#"{"value":5}"#),
    ("untagged", r#"{"value":"5"}"#),
    ("untagged", r#"{"value":[5]}"#),
    ("untagged", r#"{"value":{"from":5,"order":"ascending"}}"#),
    ("optional", r#"{"value":{"required":false}}"#),
    (
        "optional",
        r#"{"value":{"number":1,"order":"ascending","cut":{"from":1,"order":"as_found"},"list":[1,null],"any":{"a":1},"flag":true,"level":1,"depth":null,"none":false,"required":true}}"#,
    ),
    ("option", "{}"),
    ("option", r#"{"value":{"from":1,"order":"as_found"}}"#),
    (
        "maps",
        r#"{"value":{"words":{"a":1},"numbers":{"5":true},"signed":{"-5":true},"orders":{"Up":1},"nested":{"a":{"b":[true,null]}},"any":{"a":[]}}}"#,
    ),
    ("anything", r#"{"value":{"any":"5","list":[null,1,"a"],"map":{"a":{}}}}"#),
    ("value", r#"{"value":[1,"2",null]}"#),
    (
        "lists",
        r#"{"value":{"pair":[1,"b"],"same":[1,2],"one":[true],"array":[1,-2,3],"set":[1,1],"pairs":[["a",null],["b",true]],"deep":[[[1]],[]],"tuple":[1,"ascending"]}}"#,
    ),
    (
        "node",
        r#"{"value":{"name":"a","children":[{"name":"b","children":[]}],"next":{"name":"c","children":[]}}}"#,
    ),
    (
        "expression",
        r#"{"value":{"op":"sum","of":[{"op":"number","value":1},{"op":"not","expression":{"op":"number","value":2}}]}}"#,
    ),
    ("flat", r#"{"value":{"id":1,"from":2,"order":"ascending","kind":"sized","bytes":3}}"#),
    ("flat", r#"{"value":{"id":1,"from":2,"order":"ascending","kind":"empty","more":"of it"}}"#),
    ("rest", r#"{"value":{"id":1,"a":2,"b":3}}"#),
    ("closed", r#"{"value":{"firstName":"a","type":1}}"#),
    (
        "pages",
        r#"{"value":{"numbers":{"items":[1],"next":2},"cuts":{"items":[]},"result":{"Err":"no"}}}"#,
    ),
    (
        "named",
        r#"{"value":{"here":{"a":1,"inner":{"a":[1]}},"there":{"b":true,"inner":{"b":[]}},"c":"c","inner":{"c":["c"]}}}"#,
    ),
    ("flattened", r#"{"id":1,"from":2,"order":"ascending","kind":"sized","bytes":3,"also":4}"#),
    ("defaults", "{}"),
    (
        "defaults",
        r#"{"limit":1,"order":"ascending","depth":null,"sorted":"descending","list":[1,2,3]}"#,
    ),
    (
        "namesakes",
        r#"{"here":{"a":1,"inner":{"a":[1]}},"there":{"b":true,"inner":{"b":[]}},"c":"c","inner":{"c":["c"]}}"#,
    ),
];
