import assert from 'node:assert/strict';
import { test } from 'node:test';
import { argumentsOf, doubled, draftOf, moveItem, nameOf, obstacle, put, removeItem, renameMember, typeAll, typeJson, typeNumber, typedAt, type Draft } from '../../src/form/draft.ts';
import { extrasOf, fieldOf, itemOf, matchesKind, membersOf, variantFor, variantName, variantsOf, type Field } from '../../src/form/schema.ts';
import { parse } from '../../src/json/parse.ts';
import { JsonObject, type Json } from '../../src/json/value.ts';

const json = (value: unknown): Json => parse(JSON.stringify(value)).value!;
const field = (schema: unknown): Field => fieldOf(json(schema), json(schema));
const sent = (draft: Draft) => {
  assert.equal(obstacle(draft), undefined);
  return argumentsOf(draft);
};
/** Every text on the way from one to another, letter by letter: first deleted, then typed. */
function* keystrokes(from: string, to: string) {
  for (let end = from.length - 1; end >= 0; end--) yield from.slice(0, end);
  for (let end = 1; end <= to.length; end++) yield to.slice(0, end);
}

// The six defects of other forms: https://github.com/modelcontextprotocol/inspector/issues/NUMBER

test('1853: a list that is typed letter by letter stays what is typed, and what was before it is not sent', () => {
  let draft = typeJson(draftOf(), ['ids'], '["before"]');
  for (const text of keystrokes('["before"]', '["item-1","item-2"]')) {
    draft = typeJson(draft, ['ids'], text);
    assert.equal(typedAt(draft, ['ids'])!.text, text);
    if (parse(text).fault) assert.match(obstacle(draft)!, /^ids: /, text);
    else sent(draft);
  }
  assert.equal(sent(draft), '{"ids":["item-1","item-2"]}');
});

test('1856: Backspace in a list takes one letter away and adds none', () => {
  let draft = typeJson(draftOf(), ['numbers'], '[1, 2]');
  for (const text of ['[1, 2', '[1, ', '[1,', '[1', '[', '']) {
    draft = typeJson(draft, ['numbers'], text);
    assert.equal(typedAt(draft, ['numbers'])!.text, text);
    assert.ok(obstacle(draft));
  }
  assert.equal(sent(typeJson(draft, ['numbers'], '[3]')), '{"numbers":[3]}');
  // The same in the JSON of all arguments.
  let all = typeAll(draftOf(), '{"numbers": [1, 2]}');
  for (const text of keystrokes('{"numbers": [1, 2]}', '{"numbers": [9007199254740993]}')) {
    all = typeAll(all, text);
    assert.equal(all.text, text);
  }
  assert.equal(sent(all), '{"numbers":[9007199254740993]}');
});

test('1885: null is replaced by a number without a trace', () => {
  const nullable = field({ anyOf: [{ type: 'integer' }, { type: 'null' }], default: null });
  assert.deepEqual([nullable.kind, nullable.nullable, nullable.fallback], ['integer', true, null]);
  let draft = put(draftOf(), ['b'], null);
  assert.equal(sent(draft), '{"b":null}');
  for (const text of ['4', '42', '4', '', '-', '-7']) draft = typeNumber(draft, ['b'], text, true);
  assert.equal(sent(draft), '{"b":-7}');
  let free = typeJson(draftOf(), ['b'], 'null');
  for (const text of keystrokes('null', '"n"')) {
    free = typeJson(free, ['b'], text);
    assert.equal(typedAt(free, ['b'])!.text, text);
  }
  assert.equal(sent(free), '{"b":"n"}');
});

test('1910: what goes with a request may be any JSON', () => {
  const meta = '{"trace":{"tags":["a",1,null,true],"id":18446744073709551615}}';
  assert.equal(sent(typeAll(draftOf(), meta)), meta);
});

test('1928: an enum that may be null is a choice, however that is said', () => {
  for (const schema of [
    { anyOf: [{ type: 'string', enum: ['sent', 'received'] }, { type: 'null' }] },
    { oneOf: [{ type: 'null' }, { enum: ['sent', 'received'] }] },
    { type: ['string', 'null'], enum: ['sent', 'received', null] },
    { enum: ['sent', 'received', null] },
    { type: 'string', enum: ['sent', 'received'], nullable: true },
    { oneOf: [{ const: 'sent', description: 'From us' }, { const: 'received' }, { type: 'null' }] },
    { anyOf: [{ $ref: '#/$defs/kind' }, { type: 'null' }], $defs: { kind: { enum: ['sent', 'received'] } } },
  ]) {
    const { kind, nullable, options } = field(schema);
    assert.deepEqual([kind, nullable, options.map(({ label }) => label)], ['choice', true, ['sent', 'received']], JSON.stringify(schema));
  }
  assert.equal(sent(put(draftOf(), ['kind'], 'sent')), '{"kind":"sent"}');
  assert.equal(sent(put(put(draftOf(), ['kind'], 'sent'), ['kind'], null)), '{"kind":null}');
  assert.equal(sent(put(put(draftOf(), ['kind'], 'sent'), ['kind'], undefined)), '{}');
});

test('choices keep their types', () => {
  const { options } = field({ enum: [1, '1', true, [1], 9007199254740993] });
  const big = parse('{"enum":[9007199254740993]}').value!;
  assert.deepEqual(options.map(({ label }) => label).slice(0, 4), ['1', '1', 'true', '[1]']);
  assert.equal(sent(put(draftOf(), ['a'], options[0]!.value)), '{"a":1}');
  assert.equal(sent(put(draftOf(), ['a'], options[1]!.value)), '{"a":"1"}');
  assert.equal(sent(put(draftOf(), ['a'], fieldOf(big, big).options[0]!.value)), '{"a":9007199254740993}');
  const several = field({ type: 'array', uniqueItems: true, items: { anyOf: [{ const: 1 }, { const: 2 }] } });
  assert.equal(several.kind, 'choices');
  assert.equal(sent(put(draftOf(), ['a'], [several.options[1]!.value])), '{"a":[2]}');
});

test('absent, null and empty are three things', () => {
  const start = draftOf();
  assert.equal(sent(start), '{}');
  assert.equal(sent(put(start, ['a'], null)), '{"a":null}');
  assert.equal(sent(put(start, ['a'], '')), '{"a":""}');
  assert.equal(sent(put(start, ['a'], [])), '{"a":[]}');
  assert.equal(sent(put(start, ['a'], new JsonObject())), '{"a":{}}');
  assert.equal(sent(put(put(start, ['a'], ''), ['a'], undefined)), '{}');
});

test('a default is shown, and not sent unless it is chosen', () => {
  const schema = { type: 'object', properties: { limit: { type: 'integer', default: 30, minimum: 1, maximum: 100 } } };
  const [limit] = membersOf(field(schema), json(schema));
  assert.deepEqual([limit!.required, limit!.field.limits], [false, ['1 to 100']]);
  assert.ok(limit!.field.fallback);
  assert.equal(sent(draftOf()), '{}');
});

test('64-bit integers keep every digit', () => {
  for (const text of ['9223372036854775807', '-9223372036854775808', '18446744073709551615', '9007199254740993']) {
    assert.equal(sent(typeNumber(draftOf(), ['id'], text, true)), `{"id":${text}}`);
    const typed = typeAll(draftOf(), `{"id": ${text}}`);
    assert.equal(sent(put(typed, ['other'], 'x')), `{"id":${text},"other":"x"}`);
  }
  assert.equal(sent(typeNumber(draftOf(), ['x'], '0.10', false)), '{"x":0.10}');
  const limits = parse('{"type":"integer","maximum":18446744073709551615,"minimum":0}').value!;
  assert.deepEqual(fieldOf(limits, limits).limits, ['0 to 18446744073709551615']);
});

test('a number that is not finished is no number', () => {
  for (const text of ['-', '1.', '1e', '0x10', 'ten', '1,5']) {
    const draft = typeNumber(typeNumber(draftOf(), ['n'], '7', false), ['n'], text, false);
    assert.equal(typedAt(draft, ['n'])!.text, text);
    assert.match(obstacle(draft)!, /^n: /);
  }
  assert.equal(sent(typeNumber(typeNumber(draftOf(), ['n'], '7', false), ['n'], '', false)), '{}', 'a number has no empty value');
  assert.match(obstacle(typeNumber(put(draftOf(), ['n'], json([1])), ['n', 0], '', false))!, /missing/);
  assert.match(obstacle(typeNumber(draftOf(), ['n'], '1.5', true))!, /whole/);
  assert.equal(sent(typeNumber(draftOf(), ['n'], '3.0', true)), '{"n":3.0}');
});

test('JSON that cannot be read blocks the call and keeps the form', () => {
  const draft = typeAll(put(draftOf(), ['a'], 'x'), '{"a": "x"');
  assert.equal(draft.text, '{"a": "x"');
  assert.match(obstacle(draft)!, /closing }/);
  assert.match(obstacle(typeAll(draftOf(), '[1]'))!, /object/);
  assert.equal(sent(typeAll(draft, '{"a": "y"}')), '{"a":"y"}');
});

test('a name that occurs twice is sent as it was typed', () => {
  const draft = typeAll(draftOf(), '{"a": 1, "a": 2}');
  assert.deepEqual(doubled(draft), ['a']);
  assert.equal(sent(draft), '{"a": 1, "a": 2}');
});

test('what is typed in a list moves with its item', () => {
  let draft = put(draftOf(), ['n'], json([1, 2, 3]));
  draft = typeNumber(draft, ['n', 2], '3e', false);
  const removed = removeItem(draft, ['n'], 0);
  assert.equal(typedAt(removed, ['n', 1])!.text, '3e');
  assert.equal(typedAt(moveItem(removed, ['n'], 1, 0), ['n', 0])!.text, '3e');
  assert.equal(obstacle(removeItem(removed, ['n'], 1)), undefined);
  assert.equal(sent(removeItem(removed, ['n'], 1)), '{"n":[2]}');
  // A field that begins with the same letters is another field.
  const other = typeNumber(typeNumber(draftOf(), ['n'], '1e', false), ['nn'], '2e', false);
  assert.equal(typedAt(put(other, ['n'], null), ['nn'])!.text, '2e');
});

test('members without a name of their own can be renamed', () => {
  const draft = typeAll(draftOf(), '{"map": {"a": 1, "b": 2}}');
  assert.equal(sent(renameMember(draft, ['map'], 'a', 'c')), '{"map":{"c":1,"b":2}}');
  assert.equal(sent(renameMember(draft, ['map'], 'a', 'b')), '{"map":{"a":1,"b":2}}');
  const extra = field({ type: 'object', additionalProperties: { type: 'integer' } });
  assert.equal(extra.kind, 'object');
  assert.equal(extrasOf(extra, true)!.kind, 'integer');
});

test('nested objects, lists and schemas that refer to themselves', () => {
  const schema = json({
    type: 'object',
    properties: { tree: { $ref: '#/$defs/Node' }, all: { allOf: [{ type: 'object', properties: { a: { type: 'string' } }, required: ['a'] }, { properties: { b: { type: 'boolean' } } }] } },
    required: ['tree'],
    $defs: { Node: { type: 'object', properties: { name: { type: 'string' }, children: { type: 'array', items: { $ref: '#/$defs/Node' } } }, required: ['name'] } },
  });
  const [tree, all] = membersOf(fieldOf(schema, schema), schema);
  assert.deepEqual([tree!.required, tree!.field.kind], [true, 'object']);
  const children = membersOf(tree!.field, schema)[1]!;
  assert.equal(children.field.kind, 'array');
  assert.deepEqual(membersOf(itemOf(children.field, schema), schema).map(({ name }) => name), ['name', 'children']);
  assert.deepEqual(membersOf(all!.field, schema).map(({ name, required }) => [name, required]), [['a', true], ['b', false]]);
});

test('a union shows the variant that a value looks like', () => {
  const schema = json({
    anyOf: [
      { type: 'object', properties: { kind: { const: 'email' }, address: { type: 'string' } }, required: ['kind', 'address'] },
      { type: 'object', properties: { kind: { const: 'sms' }, phone: { type: 'string' } }, required: ['kind', 'phone'] },
      { type: 'string' },
      { type: 'null' },
    ],
  });
  const union = fieldOf(schema, schema);
  const variants = variantsOf(union, schema);
  assert.deepEqual([union.kind, union.nullable, variants.map(variantName)], ['union', true, ['email', 'sms', 'string']]);
  assert.equal(variantFor(variants, json({ kind: 'sms', phone: '1' }), schema), 1);
  assert.equal(variantFor(variants, 'x', schema), 2);
});

test('a value that a control cannot show is left to JSON', () => {
  assert.ok(!matchesKind(field({ type: 'integer' }), 'ten'));
  assert.ok(!matchesKind(field({ type: 'string' }), null));
  assert.ok(matchesKind(field({ type: ['string', 'null'] }), null));
  assert.ok(!matchesKind(field({ enum: ['a'] }), 'b'));
  assert.ok(matchesKind(field({}), json({ any: ['thing'] })));
  assert.equal(field(true).kind, 'json');
  assert.equal(field({ type: ['string', 'integer'] }).kind, 'json');
});

test('a path is said as a person says it', () => {
  assert.equal(nameOf(['labels', 2, 'name']), 'labels[2].name');
});
