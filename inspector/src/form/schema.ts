// What a JSON Schema says about one field, in the terms of a form.
import { compact } from '../json/print.ts';
import { JsonNumber, JsonObject, equal, get, kindOf, member, names, type Json } from '../json/value.ts';

export type FieldKind = 'string' | 'integer' | 'number' | 'boolean' | 'choice' | 'choices' | 'object' | 'array' | 'union' | 'json' | 'null';

export interface Field {
  readonly kind: FieldKind;
  readonly title?: string;
  readonly description?: string;
  readonly nullable: boolean;
  readonly fallback?: Json;
  /** Its limits in words: "1 to 100". */
  readonly limits: readonly string[];
  /** What may be chosen; `null` is said by `nullable`. */
  readonly options: readonly { readonly value: Json; readonly label: string; readonly description?: string }[];
  readonly multiline: boolean;
  readonly examples: readonly Json[];
  /** The schema that the members, the items and the variants are read from. */
  readonly schema: Json;
}

export interface Member {
  readonly name: string;
  readonly required: boolean;
  readonly field: Field;
}

const text = (value: Json | undefined) => (typeof value === 'string' ? value : undefined);
const list = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : []);

/** A schema with its `$ref` followed and its `allOf` merged. What cannot be followed is left as it is. */
export function resolve(schema: Json, root: Json, depth = 0): Json {
  const reference = text(member(schema, '$ref'));
  if (reference?.startsWith('#') && depth < 32) {
    const steps = reference.slice(1).split('/').filter(Boolean).map((step) => decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~'));
    const target = get(root, steps.map((step) => step));
    if (target !== undefined) {
      const own = (schema as JsonObject).entries.filter(([key]) => key !== '$ref');
      const followed = resolve(target, root, depth + 1);
      return followed instanceof JsonObject ? merge(followed, new JsonObject(own)) : followed;
    }
  }
  const parts = list(member(schema, 'allOf'));
  if (!parts.length || depth >= 32) return schema;
  const own = new JsonObject((schema as JsonObject).entries.filter(([key]) => key !== 'allOf'));
  const merged = parts.map((part) => resolve(part, root, depth + 1)).reduce<JsonObject>((all, part) => (part instanceof JsonObject ? merge(all, part) : all), new JsonObject());
  return merge(merged, own);
}

/** Two schemas that both hold, where the second one's words win. */
function merge(under: JsonObject, over: JsonObject): JsonObject {
  const entries = new Map(under.entries);
  for (const [key, value] of over.entries) {
    const before = entries.get(key);
    if (key === 'properties' && before instanceof JsonObject && value instanceof JsonObject) entries.set(key, merge(before, value));
    else if (key === 'required' && Array.isArray(before) && Array.isArray(value)) entries.set(key, [...before, ...value]);
    else entries.set(key, value);
  }
  return new JsonObject([...entries]);
}

const isNull = (schema: Json, root: Json) => {
  const resolved = resolve(schema, root);
  return member(resolved, 'type') === 'null' || member(resolved, 'const') === null;
};

/** The form's view of a schema. A schema of `true` or without a type is any JSON. */
export function fieldOf(schema: Json, root: Json): Field {
  const whole = resolve(schema, root);
  const variants = [...list(member(whole, 'anyOf')), ...list(member(whole, 'oneOf'))];
  const others = variants.filter((variant) => !isNull(variant, root));
  if (variants.length && others.length === 1 && whole instanceof JsonObject) {
    const rest = new JsonObject(whole.entries.filter(([key]) => key !== 'anyOf' && key !== 'oneOf'));
    const only = resolve(others[0]!, root);
    const field = fieldOf(only instanceof JsonObject ? merge(only, rest) : only, root);
    return { ...field, nullable: field.nullable || others.length < variants.length };
  }
  const types = typesOf(whole);
  const constants = constantsOf(whole, others, root);
  const choices = constants?.filter(({ value }) => value !== null);
  const nullable =
    types.includes('null') || member(whole, 'nullable') === true || others.length < variants.length || (constants?.length ?? 0) > (choices?.length ?? 0);
  const real = types.filter((type) => type !== 'null');
  const kind = kindFor(whole, real, choices, others, types, root);
  const options = kind === 'choices' ? (constantsOf(resolve(member(whole, 'items')!, root), itemVariants(whole, root), root) ?? []) : (choices ?? []);
  const fallback = member(whole, 'default');
  const title = text(member(whole, 'title'));
  const description = text(member(whole, 'description'));
  const max = member(whole, 'maxLength');
  return {
    kind,
    ...(title === undefined ? {} : { title }),
    ...(description === undefined ? {} : { description }),
    ...(fallback === undefined ? {} : { fallback }),
    nullable,
    limits: limitsOf(whole),
    options,
    multiline: kind === 'string' && max instanceof JsonNumber && Number(max.text) > 400,
    examples: list(member(whole, 'examples')),
    schema: whole,
  };
}

const itemVariants = (schema: Json, root: Json) => {
  const items = resolve(member(schema, 'items') ?? new JsonObject(), root);
  return [...list(member(items, 'anyOf')), ...list(member(items, 'oneOf'))];
};

function typesOf(schema: Json): string[] {
  const type = member(schema, 'type');
  if (typeof type === 'string') return [type];
  if (Array.isArray(type)) return type.filter((one) => typeof one === 'string');
  if (member(schema, 'properties') !== undefined) return ['object'];
  return [];
}

/** The constants of an `enum`, a `const`, or a union of constants with descriptions. */
function constantsOf(schema: Json, variants: readonly Json[], root: Json): { value: Json; label: string; description?: string }[] | undefined {
  const label = (value: Json) => (typeof value === 'string' ? value : compact(value));
  const all = member(schema, 'enum');
  if (Array.isArray(all)) return all.map((value) => ({ value, label: label(value) }));
  const only = member(schema, 'const');
  if (only !== undefined) return [{ value: only, label: label(only) }];
  const each = variants.map((variant) => {
    const resolved = resolve(variant, root);
    const value = member(resolved, 'const');
    if (value === undefined) return undefined;
    const description = text(member(resolved, 'description')) ?? text(member(resolved, 'title'));
    return { value, label: label(value), ...(description === undefined ? {} : { description }) };
  });
  return each.length && each.every((one) => one !== undefined) ? each : undefined;
}

function kindFor(schema: Json, real: string[], choices: readonly unknown[] | undefined, variants: readonly Json[], types: string[], root: Json): FieldKind {
  if (choices?.length) return 'choice';
  if (variants.length) return 'union';
  if (types.length && !real.length) return 'null';
  if (real.length !== 1) return 'json';
  switch (real[0]) {
    case 'string':
    case 'integer':
    case 'number':
    case 'boolean':
      return real[0];
    case 'object':
      return names(member(schema, 'properties')).length || member(schema, 'additionalProperties') instanceof JsonObject ? 'object' : 'json';
    case 'array': {
      const items = member(schema, 'items');
      if (!(items instanceof JsonObject) || !items.entries.length) return 'json';
      const constants = constantsOf(resolve(items, root), itemVariants(schema, root), root);
      return constants?.length && member(schema, 'uniqueItems') === true ? 'choices' : 'array';
    }
    default:
      return 'json';
  }
}

/** The members of an object: those with a name, in the order of the schema. */
export function membersOf(field: Field, root: Json): Member[] {
  const required = list(member(field.schema, 'required'));
  const properties = member(field.schema, 'properties');
  return names(properties).map((name) => ({ name, required: required.includes(name), field: fieldOf(member(properties, name)!, root) }));
}

/** The schema of members that have no name of their own, if there may be any. */
export function extrasOf(field: Field, root: Json): Field | undefined {
  const extra = member(field.schema, 'additionalProperties');
  return extra instanceof JsonObject ? fieldOf(extra, root) : undefined;
}

export const itemOf = (field: Field, root: Json): Field => fieldOf(member(field.schema, 'items') ?? true, root);

export function variantsOf(field: Field, root: Json): Field[] {
  const variants = [...list(member(field.schema, 'anyOf')), ...list(member(field.schema, 'oneOf'))];
  const shared = field.schema instanceof JsonObject ? new JsonObject(field.schema.entries.filter(([key]) => ['type', 'properties', 'required'].includes(key))) : new JsonObject();
  return variants
    .filter((variant) => !isNull(variant, root))
    .map((variant) => {
      const resolved = resolve(variant, root);
      return fieldOf(resolved instanceof JsonObject ? merge(shared, resolved) : resolved, root);
    });
}

/** What a variant is called: its title, a constant that tells it apart, or its type. */
export function variantName(field: Field, index: number): string {
  if (field.title) return field.title;
  const properties = member(field.schema, 'properties');
  for (const name of names(properties)) {
    const only = member(member(properties, name), 'const');
    if (only !== undefined) return typeof only === 'string' ? only : compact(only);
  }
  return field.kind === 'object' || field.kind === 'json' ? `variant ${index + 1}` : field.kind;
}

/** The variant that a value looks like, or the first. */
export function variantFor(variants: readonly Field[], value: Json | undefined, root: Json): number {
  if (value === undefined) return 0;
  const score = (field: Field) => {
    if (!matchesKind(field, value)) return -1;
    if (!(value instanceof JsonObject)) return 1;
    let points = 0;
    for (const { name, field: inner, required } of membersOf(field, root)) {
      const given = member(value, name);
      if (given === undefined) points -= required ? 1 : 0;
      else if (inner.kind === 'choice') points += inner.options.some((option) => equal(option.value, given)) ? 4 : -8;
      else points += matchesKind(inner, given) ? 2 : -2;
    }
    return points;
  };
  const scores = variants.map(score);
  return Math.max(0, scores.indexOf(Math.max(...scores)));
}

/** Whether a form's control for the field can show the value without changing it. */
export function matchesKind(field: Field, value: Json): boolean {
  const kind = kindOf(value);
  if (kind === 'null') return field.nullable || field.kind === 'null' || field.kind === 'json';
  switch (field.kind) {
    case 'integer':
    case 'number':
      return kind === 'number';
    case 'string':
    case 'boolean':
    case 'object':
    case 'array':
      return kind === field.kind;
    case 'choice':
      return field.options.some((option) => equal(option.value, value));
    case 'choices':
      return Array.isArray(value) && value.every((item) => field.options.some((option) => equal(option.value, item)));
    case 'null':
      return false;
    default:
      return true;
  }
}

function limitsOf(schema: Json): string[] {
  const number = (key: string) => {
    const value = member(schema, key);
    return value instanceof JsonNumber ? value.text : undefined;
  };
  const range = (from: string | undefined, to: string | undefined, unit: (last: string) => string) => {
    if (from !== undefined && to !== undefined) return from === to ? [`exactly ${from}${unit(from)}`] : [`${from} to ${to}${unit(to)}`];
    if (from !== undefined) return [`at least ${from}${unit(from)}`];
    return to !== undefined ? [`at most ${to}${unit(to)}`] : [];
  };
  const counted = (one: string, many: string) => (last: string) => ` ${last === '1' ? one : many}`;
  const lowest = number('minLength');
  const pattern = text(member(schema, 'pattern'));
  const format = text(member(schema, 'format'));
  const over = number('exclusiveMinimum');
  const under = number('exclusiveMaximum');
  const step = number('multipleOf');
  return [
    ...range(number('minimum'), number('maximum'), () => ''),
    ...(over === undefined ? [] : [`more than ${over}`]),
    ...(under === undefined ? [] : [`less than ${under}`]),
    ...(step === undefined ? [] : [`a multiple of ${step}`]),
    ...range(lowest === '0' ? undefined : lowest, number('maxLength'), counted('character', 'characters')),
    ...range(number('minItems'), number('maxItems'), counted('item', 'items')),
    ...(pattern === undefined ? [] : [`like ${pattern}`]),
    ...(format === undefined || /^u?int\d*$|^float$|^double$/.test(format) ? [] : [format]),
  ];
}

const TYPES: Record<string, string> = { string: 'a text', integer: 'a whole number', number: 'a number', boolean: 'true or false', array: 'a list', object: 'an object', null: 'null' };

/** What a schema allows, in a few words: "a whole number, 1 to 100". */
export function schemaWords(schema: Json | null | undefined): string | undefined {
  if (schema === null || schema === undefined) return undefined;
  if (typeof schema === 'string') return schema;
  const constants = constantsOf(schema, [...list(member(schema, 'anyOf')), ...list(member(schema, 'oneOf'))], schema);
  if (constants?.length) return constants.length === 1 ? constants[0]!.label : `one of ${constants.map(({ label }) => label).join(', ')}`;
  const types = typesOf(schema).map((type) => TYPES[type] ?? type);
  return [types.join(' or '), ...limitsOf(schema)].filter(Boolean).join(', ') || undefined;
}
