// Controls of values without an inside: texts, numbers, choices, and any JSON.
import { Segments } from '../parts/ui.tsx';
import { compact, pretty } from '../json/print.ts';
import { equal, get, type Json } from '../json/value.ts';
import { put, typeJson, typeNumber, typedAt } from './draft.ts';
import type { ControlProps } from './editing.ts';
import type { Field } from './schema.ts';

const INLINE_OPTIONS = 4;
const textOf = (value: Json | undefined) => (value === undefined ? '' : typeof value === 'string' ? value : compact(value));

const about = (id: string, field: Field, fault: boolean) => [field.description && `${id}-about`, fault && `${id}-fault`].filter(Boolean).join(' ') || undefined;
const ghost = (value: Json | undefined, field: Field) => (value === null ? 'null' : value === undefined ? (field.fallback === undefined ? 'not sent' : `not sent: the server takes ${textOf(field.fallback)}`) : undefined);

export function TextControl({ draft, change, path, field, id }: ControlProps) {
  const value = get(draft.value, path);
  const common = {
    id, value: typeof value === 'string' ? value : '', placeholder: ghost(value, field), 'aria-describedby': about(id, field, false), spellcheck: false, autocomplete: 'off',
    onInput: (event: { currentTarget: HTMLInputElement | HTMLTextAreaElement }) => change(put(draft, path, event.currentTarget.value)),
  };
  const multiline = field.multiline || (typeof value === 'string' && value.includes('\n'));
  const suggestions = value === undefined || value === '' ? suggestionsOf(field) : [];
  return (
    <>
      {multiline ? <textarea rows={4} {...common} /> : <input type="text" {...common} />}
      {suggestions.length > 0 && (
        <p class="suggest">
          <span class="soft">for example</span>
          {suggestions.map((text) => <button type="button" key={text} class="chip" onClick={() => change(put(draft, path, text))}>{text}</button>)}
        </p>
      )}
    </>
  );
}

/** Examples of the schema, and what its description has between backticks. */
function suggestionsOf(field: Field): string[] {
  const quoted = [...(field.description ?? '').matchAll(/`([^`\s]{1,40})`/g)].map(([, text]) => text!);
  return [...new Set([...field.examples.filter((example) => typeof example === 'string'), ...quoted])].slice(0, 4);
}

export function NumberControl({ draft, change, path, field, id }: ControlProps) {
  const value = get(draft.value, path);
  const typed = typedAt(draft, path);
  return (
    <input
      id={id} type="text" inputMode="decimal" class="mono" spellcheck={false} autocomplete="off"
      value={typed?.text ?? (value === undefined || value === null ? '' : textOf(value))} placeholder={ghost(value, field)}
      aria-invalid={typed?.fault !== undefined} aria-describedby={about(id, field, typed?.fault !== undefined)}
      onInput={(event) => change(typeNumber(draft, path, event.currentTarget.value, field.kind === 'integer'))}
    />
  );
}

export function ChoiceControl({ draft, change, path, field, required, name, id }: ControlProps) {
  const value = get(draft.value, path);
  const options = field.kind === 'boolean' ? [{ value: true, label: 'true' }, { value: false, label: 'false' }] : field.options;
  const at = value === undefined ? 'absent' : value === null ? 'null' : String(options.findIndex((option) => equal(option.value, value)));
  const all: [string, string][] = options.map((option, index) => [String(index), 'description' in option && option.description ? `${option.label}: ${option.description}` : option.label]);
  if (field.nullable || field.kind === 'null') all.push(['null', 'null']);
  if (!required || value === undefined) all.push(['absent', field.fallback === undefined || field.fallback === null ? 'not sent' : `not sent (${textOf(field.fallback)})`]);
  const pick = (choice: string) => change(put(draft, path, choice === 'absent' ? undefined : choice === 'null' ? null : options[Number(choice)]!.value));
  if (options.length <= INLINE_OPTIONS && !all.some(([, text]) => text.length > 28)) return <Segments label={name} value={at} options={all} onPick={pick} />;
  return (
    <select id={id} value={at} onChange={(event) => pick(event.currentTarget.value)} aria-label={name}>
      {all.map(([key, text]) => <option key={key} value={key}>{text}</option>)}
    </select>
  );
}

export function ChoicesControl({ draft, change, path, field }: ControlProps) {
  const value = get(draft.value, path);
  const items = Array.isArray(value) ? value : [];
  const toggle = (option: Json) => {
    const without = items.filter((item) => !equal(item, option));
    change(put(draft, path, without.length < items.length ? without : [...items, option]));
  };
  return (
    <div class="checks">
      {field.options.map((option) => (
        <label key={option.label}>
          <input type="checkbox" checked={items.some((item) => equal(item, option.value))} onChange={() => toggle(option.value)} />
          {option.label}
          {option.description && <span class="soft"> {option.description}</span>}
        </label>
      ))}
    </div>
  );
}

export function JsonControl({ draft, change, path, field, id, name }: ControlProps) {
  const value = get(draft.value, path);
  const typed = typedAt(draft, path);
  const text = typed?.text ?? (value === undefined ? '' : pretty(value));
  return (
    <textarea
      id={id} class="mono" rows={Math.min(10, Math.max(2, text.split('\n').length))} spellcheck={false} placeholder={value === undefined ? 'not sent; JSON' : undefined} aria-label={`${name}, as JSON`}
      aria-invalid={typed?.fault !== undefined} aria-describedby={about(id, field, typed?.fault !== undefined)} value={text} onInput={(event) => change(typeJson(draft, path, event.currentTarget.value))}
    />
  );
}
