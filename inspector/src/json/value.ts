// JSON values that lose nothing: a number keeps its text, an object the order of its members.

/** A number as it is written, so that 64-bit integers and long fractions stay what they are. */
export class JsonNumber {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** An object with its members in order. A name that occurs twice is kept twice. */
export class JsonObject {
  readonly entries: readonly (readonly [string, Json])[];
  constructor(entries: readonly (readonly [string, Json])[] = []) {
    this.entries = entries;
  }
}

export type Json = null | boolean | string | JsonNumber | Json[] | JsonObject;
export type Path = readonly (string | number)[];
export type Kind = 'null' | 'boolean' | 'string' | 'number' | 'array' | 'object';

export function kindOf(value: Json): Kind {
  if (value === null) return 'null';
  if (typeof value === 'boolean') return 'boolean';
  if (typeof value === 'string') return 'string';
  if (value instanceof JsonNumber) return 'number';
  return Array.isArray(value) ? 'array' : 'object';
}

/** The member of an object, the last one if it occurs twice, as servers read it. */
export function member(value: Json | undefined, name: string): Json | undefined {
  return value instanceof JsonObject ? value.entries.findLast(([key]) => key === name)?.[1] : undefined;
}

export function names(value: Json | undefined): string[] {
  return value instanceof JsonObject ? [...new Set(value.entries.map(([key]) => key))] : [];
}

export function get(value: Json | undefined, path: Path): Json | undefined {
  let at = value;
  for (const step of path) at = typeof step === 'number' ? (Array.isArray(at) ? at[step] : undefined) : member(at, step);
  return at;
}

/** The value with another one at a path; `undefined` takes it out. What is on the way is made. */
export function set(value: Json | undefined, path: Path, inner: Json | undefined): Json | undefined {
  const [step, ...rest] = path;
  if (step === undefined) return inner;
  if (typeof step === 'number') {
    const items = Array.isArray(value) ? [...value] : [];
    const changed = set(items[step], rest, inner);
    if (changed === undefined) items.splice(step, 1);
    else items[step] = changed;
    return items;
  }
  const entries = value instanceof JsonObject ? value.entries : [];
  const before = member(value, step);
  if (before === undefined && inner === undefined) return value;
  const changed = set(before, rest, inner);
  if (changed === undefined) return new JsonObject(entries.filter(([key]) => key !== step));
  const at = entries.findLastIndex(([key]) => key === step);
  if (at < 0) return new JsonObject([...entries, [step, changed]]);
  return new JsonObject(entries.map((entry, index) => (index === at ? [step, changed] : entry)));
}

/** Whether two values are the same JSON: members in any order, numbers by their value. */
export function equal(one: Json, other: Json): boolean {
  if (one instanceof JsonNumber && other instanceof JsonNumber) return sameNumber(one.text, other.text);
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((item, index) => equal(item, other[index]!));
  }
  if (one instanceof JsonObject && other instanceof JsonObject) {
    const keys = names(one);
    return keys.length === names(other).length && keys.every((key) => {
      const theirs = member(other, key);
      return theirs !== undefined && equal(member(one, key)!, theirs);
    });
  }
  return one === other;
}

/** Digits without a point and the power of ten, so that 1.50e3, 1500 and 15e2 are one number. */
function sameNumber(one: string, other: string): boolean {
  const norm = (text: string) => {
    const [, sign, whole, fraction = '', power = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
    const digits = `${whole}${fraction}`.replace(/^0+/, '');
    const short = digits.replace(/0+$/, '');
    return short ? `${sign}${short}e${BigInt(power) - BigInt(fraction.length) + BigInt(digits.length - short.length)}` : '0';
  };
  return norm(one) === norm(other);
}

/** The value for code that computes with it: numbers are doubles, and objects plain. */
export function plain(value: Json | undefined): unknown {
  if (value instanceof JsonNumber) return Number(value.text);
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof JsonObject) return Object.fromEntries(value.entries.map(([key, inner]) => [key, plain(inner)]));
  return value;
}
