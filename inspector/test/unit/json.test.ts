import assert from 'node:assert/strict';
import { test } from 'node:test';
import { duplicates, isNumber, parse } from '../../src/json/parse.ts';
import { compact, pretty } from '../../src/json/print.ts';
import { JsonNumber, JsonObject, equal, get, member, names, plain, set, type Json } from '../../src/json/value.ts';

const read = (text: string): Json => {
  const { value, fault } = parse(text);
  assert.equal(fault, undefined, JSON.stringify(fault));
  return value!;
};

test('what is read is written as it was', () => {
  for (const text of ['null', 'true', '0', '-0', '1.50', '1e3', '9223372036854775807', '18446744073709551615', '123456789012345678901234567890', '0.1000000000000000055511151231257827', '""', '"a\\"b\\\\"', '[]', '{}', '[1,[2,{}]]', '{"b":1,"a":2,"2":3,"1":4}', '{"a":1,"a":2}', '{"__proto__":{"a":1}}']) {
    assert.equal(compact(read(text)), text);
    assert.equal(compact(read(pretty(read(text)))), text);
  }
});

test('texts keep every character', () => {
  for (const text of ['', ' ', '\n\t', '💡', '\u0000\u001f', '\u2028', 'null', '"', '\\', '{"a":1}', '\ud800']) {
    assert.equal(read(compact(text)), text);
  }
  assert.equal(read('"\\u00e9\\/"'), 'é/');
});

test('what JSON does not allow is refused where it is', () => {
  const faults: [string, number, number][] = [
    ['', 1, 1], ['{', 1, 2], ['[1,]', 1, 4], ['{"a":1,}', 1, 8], ['{a:1}', 1, 2], ['{"a" 1}', 1, 6], ['[1 2]', 1, 4], ['nul', 1, 1], ['01', 1, 2], ['1.', 1, 2],
    ['+1', 1, 1], ['.5', 1, 1], ['NaN', 1, 1], ["'a'", 1, 1], ['"a', 1, 1], ['"a\nb"', 1, 1], ['"\\x"', 1, 1], ['{}{}', 1, 3], ['{\n  "a": 1\n  "b": 2\n}', 3, 3], ['[1, 2', 1, 6],
  ];
  for (const [text, line, column] of faults) {
    const { fault } = parse(text);
    assert.deepEqual([fault?.line, fault?.column], [line, column], `${text}: ${fault?.message}`);
    assert.throws(() => JSON.parse(text), text);
  }
});

test('depth is bounded', () => {
  assert.ok(parse('['.repeat(100_000)).fault!.message.includes('deeper'));
  assert.equal(parse(`${'['.repeat(199)}1${']'.repeat(199)}`).fault, undefined);
});

test('a number is a JSON number and nothing else', () => {
  for (const text of ['0', '-1', '1.5', '1E+2', '99999999999999999999']) assert.ok(isNumber(text), text);
  for (const text of ['', '-', '1.', '.1', '01', '1e', '0x1', ' 1', '1 ', 'Infinity']) assert.ok(!isNumber(text), text);
});

test('a value is changed at a path, and the rest stays', () => {
  const value = read('{"a":{"b":[1,2,3]},"c":9007199254740993}');
  assert.equal(compact(set(value, ['a', 'b', 1], 'x')!), '{"a":{"b":[1,"x",3]},"c":9007199254740993}');
  assert.equal(compact(set(value, ['a', 'b', 1], undefined)!), '{"a":{"b":[1,3]},"c":9007199254740993}');
  assert.equal(compact(set(value, ['a'], undefined)!), '{"c":9007199254740993}');
  assert.equal(compact(set(value, ['d', 'e'], null)!), '{"a":{"b":[1,2,3]},"c":9007199254740993,"d":{"e":null}}');
  assert.equal(compact(set(value, ['x', 'y'], undefined)!), compact(value));
  assert.equal(compact(value), '{"a":{"b":[1,2,3]},"c":9007199254740993}', 'the old value is what it was');
  assert.equal(get(value, ['a', 'z', 0]), undefined);
});

test('values are compared as JSON', () => {
  const same: [string, string][] = [['1', '1.0'], ['1e2', '100'], ['0', '-0'], ['{"a":1,"b":2}', '{"b":2,"a":1}'], ['1.50', '15e-1'], ['0.10', '1e-1'], ['100', '10e1']];
  for (const [one, other] of same) assert.ok(equal(read(one), read(other)), `${one} ${other}`);
  const different: [string, string][] = [['9007199254740993', '9007199254740992'], ['1', '"1"'], ['null', 'false'], ['[]', '{}'], ['{"a":null}', '{}'], ['-1', '1'], ['1', '10'], ['10', '1']];
  for (const [one, other] of different) assert.ok(!equal(read(one), read(other)), `${one} ${other}`);
});

test('a name that occurs twice is found', () => {
  assert.deepEqual(duplicates(read('{"a":[{"b":1,"b":2}],"c":1}')), ['b']);
  assert.equal((member(read('{"a":1,"a":2}'), 'a') as JsonNumber).text, '2');
  assert.deepEqual(names(read('{"a":1,"a":2}')), ['a']);
});

test('plain values are for computing', () => {
  assert.deepEqual(plain(read('{"a":[1,"x",null,{"b":true}]}')), { a: [1, 'x', null, { b: true }] });
  assert.equal(plain(new JsonObject()) instanceof Object, true);
});
