//! Rules of the list of tools: names and schemas that hosts and the APIs of models refuse.

use super::rules;
use crate::check::finding::{ALL, Rule};

rules! {
    LIST = fault(
        "tools.list",
        "`tools/list` has a list of tools",
        "MCP, Tools, Listing Tools",
        "See what the server says of the request.",
        (ALL, "show no tool"),
    );
    PAGES = fault(
        "tools.pages",
        "pages that come to an end",
        "MCP, Pagination",
        "Leave `nextCursor` out of the last page, and give each page its own.",
        (ALL, "ask for pages until they give up"),
    );
    NAMES = fault(
        "tools.names",
        "names of at most 64 letters, digits, `_` and `-`",
        "MCP, Tools, Tool Names; the APIs of models",
        "Rename them.",
        (ALL, "drop the tool, or fail with every message of the conversation"),
    );
    LONG_NAMES = warning(
        "tools.long_names",
        "names of at most 40 characters",
        "hosts add a prefix of their own, and models take 64",
        "Shorten them.",
        (&["Codex", "Cursor", "VS Code"], "cut the name, or drop the tool"),
    );
    UNIQUE = fault(
        "tools.unique",
        "each name once",
        "MCP, Tools, Tool Names",
        "Rename one of them.",
        (ALL, "call the other tool, or refuse the list"),
    );
    INPUT = fault(
        "tools.input_schema",
        "inputSchema with `type: \"object\"`",
        "MCP, Tools, Data Types",
        "Write `{\"type\":\"object\"}` for a tool without arguments.",
        (ALL, "refuse the tool, and some of them the whole list"),
    );
    TOP_LEVEL = fault(
        "tools.top_level",
        "no oneOf, anyOf, allOf, not, enum or $ref at the top of an inputSchema",
        "the APIs of models",
        "Put the alternatives into a property, or make a tool of each.",
        (ALL, "fail with every message while the tool is switched on"),
    );
    PROPERTIES = fault(
        "tools.properties",
        "properties whose schemas are objects",
        "the APIs of models",
        "Write `{}` in place of `true`.",
        (&["Claude Code", "Codex"], "drop the tool, or all tools of the server"),
    );
    KEYS = fault(
        "tools.keys",
        "names of properties of at most 64 letters, digits, `_`, `.` and `-`",
        "the APIs of models",
        "Rename them.",
        (&["Claude", "Claude Code"], "fail with every message while the tool is switched on"),
    );
    ITEMS = fault(
        "tools.items",
        "`items` in the schema of each array",
        "the APIs of models",
        "Say what the array holds.",
        (&["ChatGPT", "Codex", "VS Code"], "refuse the tool"),
    );
    REFERENCES = fault(
        "tools.references",
        "references within the schema alone, to what is there",
        "MCP 2026-07-28, Tools; JSON Schema 2020-12 §8.2.3",
        "Write what they point to in their place.",
        (ALL, "refuse the schema, or leave the argument open"),
    );
    REQUIRED = fault(
        "tools.required",
        "`required` names properties that are described",
        "JSON Schema Validation 2020-12 §6.5.3; the APIs of models",
        "Describe the property, or do not require it.",
        (&["ChatGPT", "Codex"], "refuse the tool, or never send the argument"),
    );
    OUTPUT = fault(
        "tools.output_schema",
        "outputSchema, if any, with `type: \"object\"`",
        "MCP 2025-11-25, Tools, Output Schema",
        "Wrap the result into an object.",
        (ALL, "refuse the list: SDKs check its shape"),
    );
    DESCRIPTIONS = warning(
        "tools.descriptions",
        "a description of each tool",
        "MCP, Tools, Data Types",
        "Say what the tool does, and when to use it.",
        (ALL, "leave their model to guess by the name"),
    );
    FORMATS = warning(
        "tools.formats",
        "no formats that JSON Schema does not know, such as uint32",
        "JSON Schema Validation 2020-12 §7.3",
        "Write minimum and maximum in their place.",
        (ALL, "print warnings, and some APIs refuse the schema"),
    );
    COUNT = warning(
        "tools.count",
        "at most 128 tools",
        "the APIs of models; limits of hosts",
        "Offer fewer, or make several servers.",
        (&["VS Code", "ChatGPT", "Cursor"], "leave some of them out"),
    );
}
