// Judges the schemas of the zoo, a tool for each shape that a Rust type can give to a value: the
// official schemas of MCP, Ajv in strict mode with two drafts, and what Gemini and OpenAI document.
// The calls that are recorded with them are values that the tools take and return.
import { readFileSync } from 'node:fs';
import { ToolSchema as Current } from '@modelcontextprotocol/core';
import { ToolSchema as Legacy } from '@modelcontextprotocol/sdk/types.js';
import Ajv7 from 'ajv';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { faults } from './subsets.mjs';

const found = [];
const tools = JSON.parse(readFileSync(process.argv[2], 'utf8'));

function strict(Ajv) {
  const ajv = new Ajv.default({ strict: true, allErrors: true, logger: false });
  addFormats.default(ajv);
  return ajv;
}
const drafts = { 'draft-07': strict(Ajv7), '2020-12': strict(Ajv2020) };

// The faults that one judge finds in a schema, and in values of it.
function compiled(draft, schema, values) {
  try {
    const validate = drafts[draft].compile(schema);
    return values.filter((value) => !validate(value))
      .map((value) => `refuses ${JSON.stringify(value)}: ${drafts[draft].errorsText(validate.errors)}`);
  } catch (error) {
    return [error.message];
  }
}

function judge(schema, values) {
  return [
    ...Object.keys(drafts).flatMap((draft) => compiled(draft, schema, values).map((text) => `Ajv, ${draft}: ${text}`)),
    ...['gemini', 'openai'].flatMap((api) => faults(api, schema).map((text) => `${api}: ${text}`)),
  ];
}

let judged = 0;
for (const { name, inputSchema, outputSchema, calls } of tools) {
  for (const [revision, schema] of Object.entries({ current: Current, legacy: Legacy })) {
    const result = schema.safeParse({ name, inputSchema, outputSchema });
    if (!result.success) found.push(`${name}: MCP, ${revision}: ${result.error}`);
  }
  const sides = {
    inputSchema: [inputSchema, calls.map((call) => call.arguments)],
    outputSchema: [outputSchema, calls.map((call) => call.result)],
  };
  for (const [side, [schema, values]] of Object.entries(sides)) {
    found.push(...judge(schema, values).map((text) => `${name}, ${side}: ${text}`));
    judged += 1;
  }
}

// Each judge sees a fault where there is one.
const object = (value) => ({ type: 'object', properties: { value } });
for (const [bad, expected] of [
  [{ type: 'integer', format: 'uint32' }, ['draft-07', '2020-12']],
  [{ type: 'array', prefixItems: [{ type: 'string' }], minItems: 1, items: false }, ['draft-07', 'gemini', 'openai']],
  [true, ['gemini', 'openai']],
  [{ oneOf: [{ type: 'string' }] }, ['gemini', 'openai']],
  [{ type: 'string', $ref: '#/$defs/A' }, ['draft-07', '2020-12', 'gemini', 'openai']],
  [{ type: ['string', 'integer'] }, ['draft-07', '2020-12', 'gemini', 'openai']],
]) {
  const text = judge(object(bad), []).join('\n');
  for (const judge of expected) {
    if (!text.includes(judge)) found.push(`${judge} sees no fault in ${JSON.stringify(bad)}`);
  }
}
if (judge({ type: 'object', properties: { a: { type: 'string' } }, required: ['a'] }, [{}]).length === 0) {
  found.push('a value that does not fit is accepted');
}

for (const text of found) console.error(text);
console.log(`${judged} schemas of ${tools.length} tools, ${found.length} faults`);
process.exit(found.length === 0 && judged > 40 ? 0 : 1);
