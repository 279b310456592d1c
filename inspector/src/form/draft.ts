// The arguments of a call while they are written: one text, from which form and JSON are both drawn.
//
// What is typed is kept letter for letter until it is a value. A text that is no value yet is a draft
// apart from the value, never a value itself, and a call waits until there is none.
import { duplicates, isNumber, parse, type Fault } from '../json/parse.ts';
import { compact, pretty } from '../json/print.ts';
import { JsonNumber, JsonObject, get, kindOf, set, type Json, type Path } from '../json/value.ts';

export interface Typed {
  readonly text: string;
  /** Why the text is no value. */
  readonly fault?: string;
}

export interface Draft {
  /** The JSON as it was typed, or as it was printed after a change in the form. */
  readonly text: string;
  /** The last text that was an object. */
  readonly value: JsonObject;
  readonly fault?: Fault;
  /** What is typed in single fields, by [`keyOf`] their paths. */
  readonly typed: ReadonlyMap<string, Typed>;
}

export const keyOf = (path: Path) => JSON.stringify(path);

export function draftOf(value: JsonObject = new JsonObject()): Draft {
  return { text: pretty(value), value, typed: new Map() };
}

/** The whole JSON, typed by hand. It stays as it is, whether it can be read or not. */
export function typeAll(draft: Draft, text: string): Draft {
  const parsed = parse(text);
  if (parsed.fault) return { text, value: draft.value, fault: parsed.fault, typed: draft.typed };
  if (parsed.value instanceof JsonObject) return { text, value: parsed.value, typed: new Map() };
  return { text, value: draft.value, fault: { message: `arguments are an object, and this is ${kindOf(parsed.value)}`, line: 1, column: 1 }, typed: draft.typed };
}

/** A field's value, or `undefined` for a field that is not sent. Other fields keep what is typed. */
export function put(draft: Draft, path: Path, value: Json | undefined): Draft {
  return change(draft, path, value, without(draft.typed, path));
}

function change(draft: Draft, path: Path, value: Json | undefined, typed: ReadonlyMap<string, Typed>): Draft {
  const whole = set(draft.value, path, value);
  const object = whole instanceof JsonObject ? whole : new JsonObject();
  return { text: pretty(object), value: object, typed };
}

/** A number, as it is typed. Its digits are sent as they are. */
export function typeNumber(draft: Draft, path: Path, text: string, whole: boolean): Draft {
  const trimmed = text.trim();
  if (isNumber(trimmed)) {
    const fits = !whole || /^-?\d+(\.0+)?$/.test(trimmed) || /[eE]/.test(trimmed);
    const changed = put(draft, path, new JsonNumber(trimmed));
    return fits && text === trimmed ? changed : withTyped(changed, path, fits ? { text } : { text, fault: 'This is not a whole number.' });
  }
  // A number has no empty value: a member without one is not sent. An item of a list has to be something.
  if (!trimmed && typeof path.at(-1) === 'string') return put(draft, path, undefined);
  return withTyped(draft, path, { text, fault: trimmed ? 'This is not a number yet.' : 'A number is missing.' });
}

/** A value of any kind, as JSON that is typed by hand. */
export function typeJson(draft: Draft, path: Path, text: string): Draft {
  const parsed = parse(text);
  if (parsed.fault) {
    const fault = text.trim() ? `Not JSON yet: ${parsed.fault.message} (line ${parsed.fault.line}, column ${parsed.fault.column}).` : 'A value is missing.';
    return withTyped(draft, path, { text, fault });
  }
  return withTyped(put(draft, path, parsed.value), path, { text });
}

/** What a field shows: what was typed, else the value as JSON. */
export function typedAt(draft: Draft, path: Path): Typed | undefined {
  return draft.typed.get(keyOf(path));
}

function withTyped(draft: Draft, path: Path, typed: Typed): Draft {
  return { ...draft, typed: new Map([...without(draft.typed, path), [keyOf(path), typed]]) };
}

/** Without what is typed at a path or below it. */
function without(typed: ReadonlyMap<string, Typed>, path: Path): Map<string, Typed> {
  const below = keyOf(path).slice(0, -1);
  return new Map([...typed].filter(([key]) => key !== `${below}]` && !key.startsWith(path.length ? `${below},` : below)));
}

/** Takes an item out of a list; what is typed in the later ones moves with them. */
export function removeItem(draft: Draft, path: Path, index: number): Draft {
  return rearrange(draft, path, (items) => items.filter((_, at) => at !== index), (at) => (at === index ? undefined : at > index ? at - 1 : at));
}

export function moveItem(draft: Draft, path: Path, from: number, to: number): Draft {
  const swapped = (items: readonly Json[]) => items.map((item, at) => (at === from ? items[to]! : at === to ? items[from]! : item));
  return rearrange(draft, path, swapped, (at) => (at === from ? to : at === to ? from : at));
}

function rearrange(draft: Draft, path: Path, order: (items: readonly Json[]) => Json[], place: (at: number) => number | undefined): Draft {
  const items = get(draft.value, path);
  if (!Array.isArray(items)) return draft;
  const typed = new Map<string, Typed>();
  for (const [key, kept] of draft.typed) {
    const at = JSON.parse(key) as (string | number)[];
    const inside = path.every((step, index) => at[index] === step) && typeof at[path.length] === 'number';
    const moved = inside ? place(at[path.length] as number) : undefined;
    if (inside && moved === undefined) continue;
    typed.set(inside ? keyOf([...path, moved!, ...at.slice(path.length + 1)]) : key, kept);
  }
  return change(draft, path, order(items), typed);
}

/** Another name for a member of an object without changing its place. */
export function renameMember(draft: Draft, path: Path, from: string, to: string): Draft {
  const object = get(draft.value, path);
  if (!(object instanceof JsonObject) || object.entries.some(([name]) => name === to)) return draft;
  return put(draft, path, new JsonObject(object.entries.map(([name, value]) => [name === from ? to : name, value])));
}

/** What keeps a call from being made, in words, or `undefined`. */
export function obstacle(draft: Draft): string | undefined {
  if (draft.fault) return `The JSON cannot be read: ${draft.fault.message} (line ${draft.fault.line}, column ${draft.fault.column}).`;
  for (const [key, { fault }] of draft.typed) {
    if (fault) return `${nameOf(JSON.parse(key) as Path)}: ${fault}`;
  }
  return undefined;
}

/** A path in the words of a person: `labels[2].name`. */
export function nameOf(path: Path): string {
  return path.reduce<string>((name, step) => (typeof step === 'number' ? `${name}[${step}]` : name ? `${name}.${step}` : step), '');
}

/** The arguments as they are sent: what was typed, if it was typed as JSON. */
export function argumentsOf(draft: Draft): string {
  const parsed = parse(draft.text);
  return parsed.value instanceof JsonObject && duplicates(parsed.value).length === 0 ? compact(parsed.value) : draft.text;
}

/** Names that occur twice: the form shows the last, and both are sent. */
export const doubled = (draft: Draft): string[] => (draft.fault ? [] : duplicates(draft.value));
