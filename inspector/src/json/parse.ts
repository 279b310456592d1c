// A parser of JSON (RFC 8259) that keeps the text of numbers and says where a mistake is.
import { JsonNumber, JsonObject, type Json } from './value.ts';

export const MAX_DEPTH = 200;

export interface Fault {
  readonly message: string;
  /** Both begin at 1. */
  readonly line: number;
  readonly column: number;
}

export type Parsed = { readonly value: Json; readonly fault?: never } | { readonly value?: never; readonly fault: Fault };

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"/y;
const SPACE = /[ \t\n\r]*/y;

/** Whether a text is a JSON number and nothing else. */
export const isNumber = (text: string) => new RegExp(`^(?:${NUMBER.source})$`).test(text);

export function parse(text: string): Parsed {
  let at = 0;
  const fail = (message: string, where = at): never => {
    throw new Mistake(message, where);
  };
  const space = () => {
    SPACE.lastIndex = at;
    SPACE.test(text);
    at = SPACE.lastIndex;
  };
  const take = (pattern: RegExp) => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  };
  const string = (what: string): string => {
    const raw = take(STRING);
    if (raw !== undefined) return JSON.parse(raw) as string;
    if (text[at] !== '"') return fail(`${what} is missing here`);
    return fail('this text has no end, or a character in it needs a backslash');
  };
  const value = (depth: number): Json => {
    if (depth > MAX_DEPTH) fail(`it is nested deeper than ${MAX_DEPTH} levels`);
    space();
    const start = text[at];
    if (start === '{') return object(depth);
    if (start === '[') return array(depth);
    if (start === '"') return string('a text');
    for (const [word, meaning] of [['true', true], ['false', false], ['null', null]] as const) {
      if (text.startsWith(word, at)) {
        at += word.length;
        return meaning;
      }
    }
    const number = take(NUMBER);
    if (number !== undefined) return new JsonNumber(number);
    return start === undefined ? fail('it ends before it is complete') : fail(`“${start}” does not begin a value`);
  };
  const object = (depth: number): JsonObject => {
    const entries: [string, Json][] = [];
    at += 1;
    space();
    if (text[at] === '}') return (at += 1), new JsonObject();
    for (;;) {
      space();
      const key = string('a name in quotation marks');
      space();
      if (text[at] !== ':') fail('a colon is missing here');
      at += 1;
      entries.push([key, value(depth + 1)]);
      space();
      if (text[at] === '}') return (at += 1), new JsonObject(entries);
      if (text[at] !== ',') fail(text[at] === undefined ? 'a closing } is missing' : 'a comma or a closing } is missing here');
      at += 1;
    }
  };
  const array = (depth: number): Json[] => {
    const items: Json[] = [];
    at += 1;
    space();
    if (text[at] === ']') return (at += 1), items;
    for (;;) {
      items.push(value(depth + 1));
      space();
      if (text[at] === ']') return (at += 1), items;
      if (text[at] !== ',') fail(text[at] === undefined ? 'a closing ] is missing' : 'a comma or a closing ] is missing here');
      at += 1;
    }
  };
  try {
    const whole = value(1);
    space();
    if (at < text.length) fail('there is more after the end');
    return { value: whole };
  } catch (error) {
    if (!(error instanceof Mistake)) throw error;
    const before = text.slice(0, error.at).split('\n');
    return { fault: { message: error.message, line: before.length, column: before.at(-1)!.length + 1 } };
  }
}

class Mistake extends Error {
  readonly at: number;
  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

/** The names that occur twice in one object, anywhere in the value. */
export function duplicates(value: Json | undefined): string[] {
  if (Array.isArray(value)) return value.flatMap(duplicates);
  if (!(value instanceof JsonObject)) return [];
  const keys = value.entries.map(([key]) => key);
  return [...new Set(keys.filter((key, index) => keys.indexOf(key) < index)), ...value.entries.flatMap(([, inner]) => duplicates(inner))];
}
