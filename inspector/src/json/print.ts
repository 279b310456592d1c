// JSON as text. Numbers are written as they were read.
import { JsonNumber, JsonObject, type Json } from './value.ts';

/** On one line without spaces, as it is sent. */
export function compact(value: Json): string {
  if (value instanceof JsonNumber) return value.text;
  if (Array.isArray(value)) return `[${value.map(compact).join(',')}]`;
  if (value instanceof JsonObject) return `{${value.entries.map(([key, inner]) => `${JSON.stringify(key)}:${compact(inner)}`).join(',')}}`;
  return JSON.stringify(value);
}

/** With two spaces for each level; short lists of plain values stay on one line. */
export function pretty(value: Json, indent = ''): string {
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    const flat = value.every((item) => item === null || typeof item !== 'object' || item instanceof JsonNumber);
    const line = flat ? `[${value.map(compact).join(', ')}]` : '';
    if (!value.length || (flat && line.length + indent.length <= 60)) return line || '[]';
    return `[\n${value.map((item) => inner + pretty(item, inner)).join(',\n')}\n${indent}]`;
  }
  if (value instanceof JsonObject) {
    if (!value.entries.length) return '{}';
    return `{\n${value.entries.map(([key, item]) => `${inner}${JSON.stringify(key)}: ${pretty(item, inner)}`).join(',\n')}\n${indent}}`;
  }
  return compact(value);
}
