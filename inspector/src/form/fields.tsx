// The form: a control for each field of a schema. It changes the draft, and shows what the draft has.
import { useId } from 'preact/hooks';
import type { ComponentChildren } from 'preact';
import { Button, Icon, Segments } from '../parts/ui.tsx';
import { JsonNumber, JsonObject, equal, get, member, names, type Json } from '../json/value.ts';
import { ChoiceControl, ChoicesControl, JsonControl, NumberControl, TextControl } from './controls.tsx';
import { moveItem, put, removeItem, renameMember, typeJson, typedAt } from './draft.ts';
import type { ControlProps, FieldProps } from './editing.ts';
import { extrasOf, itemOf, matchesKind, membersOf, variantFor, variantName, variantsOf, type Field, type Member } from './schema.ts';

/** The value that a field begins with when it is sent. */
export function emptyOf(field: Field, root: Json): Json | undefined {
  if (field.fallback !== undefined && field.fallback !== null) return field.fallback;
  switch (field.kind) {
    case 'string':
      return '';
    case 'integer':
    case 'number': {
      const least = member(field.schema, 'minimum');
      return least instanceof JsonNumber ? least : new JsonNumber('0');
    }
    case 'boolean':
      return false;
    case 'choice':
      return field.options[0]?.value;
    case 'choices':
    case 'array':
      return [];
    case 'object':
      return new JsonObject(membersOf(field, root).flatMap(({ name, required, field: inner }) => {
        const only = required && inner.kind === 'choice' && inner.options.length === 1 ? inner.options[0]!.value : undefined;
        return only === undefined ? [] : [[name, only] as const];
      }));
    case 'union':
      return emptyOf(variantsOf(field, root)[0] ?? field, root);
    default:
      return undefined;
  }
}

/** What may be said instead of a value. */
function Presence({ draft, change, path, field, required, root, name }: FieldProps) {
  const value = get(draft.value, path);
  const options: [string, string][] = [];
  const typing = field.kind === 'string' || field.kind === 'integer' || field.kind === 'number' || field.kind === 'json';
  if (!required || (value === undefined && !typing)) options.push(['absent', 'not sent']);
  if (field.nullable && field.kind !== 'json') options.push(['null', 'null']);
  if (!options.length) return null;
  const now = typedAt(draft, path) ? 'value' : value === undefined ? 'absent' : value === null ? 'null' : 'value';
  const pick = (choice: string) => {
    if (choice === now) return;
    const start = emptyOf(field, root);
    if (choice === 'absent') change(put(draft, path, undefined));
    else if (choice === 'null') change(put(draft, path, null));
    else change(start !== undefined ? put(draft, path, start) : typeJson(draft, path, ''));
  };
  return <Segments small label={`How ${name} is sent`} value={now} options={[['value', 'value'], ...options]} onPick={pick} />;
}

export function FieldEditor(props: FieldProps) {
  const { draft, path, name, field, required, onRemove, extra } = props;
  const id = useId();
  const value = get(draft.value, path);
  const typed = typedAt(draft, path);
  const shown = value === undefined || matchesKind(field, value);
  const nested = shown && (field.kind === 'object' || field.kind === 'array' || field.kind === 'union');
  // A choice offers itself what may be said instead of a value.
  const self = field.kind === 'boolean' || field.kind === 'choice' || field.kind === 'null';
  const label = (
    <>
      <span class="field-name">{name}</span>
      {required ? <span class="required">required</span> : null}
      {field.limits.length ? <span class="soft limits">{field.limits.join(', ')}</span> : null}
    </>
  );
  const grouped = nested || self || field.kind === 'choices';
  return (
    <div class={nested ? 'field nested' : 'field'} role={grouped ? 'group' : undefined} aria-labelledby={grouped ? `${id}-name` : undefined}>
      <div class="field-head">
        {grouped ? <span class="label" id={`${id}-name`}>{label}</span> : <label class="label" for={id}>{label}</label>}
        <span class="grow" />
        {extra}
        {!self && <Presence {...props} />}
        {onRemove && <button type="button" class="bare" aria-label={`Remove ${name}`} onClick={onRemove}><Icon name="cross" /></button>}
      </div>
      {field.description && <p class="soft describe" id={`${id}-about`}>{inlineCode(field.description)}</p>}
      {shown ? <Control {...props} id={id} /> : <JsonControl {...props} id={id} />}
      {typed?.fault && <p class="fault" id={`${id}-fault`} role="alert">{typed.fault}</p>}
      {value === '' && field.kind === 'string' && <p class="soft note">An empty text is sent.</p>}
    </div>
  );
}

/** Text with what is between backticks as code. */
export function inlineCode(text: string): ComponentChildren[] {
  return text.split('`').map((part, index) => (index % 2 ? <code>{part}</code> : part));
}

function Control(props: ControlProps) {
  switch (props.field.kind) {
    case 'string':
      return <TextControl {...props} />;
    case 'integer':
    case 'number':
      return <NumberControl {...props} />;
    case 'boolean':
    case 'choice':
      return <ChoiceControl {...props} />;
    case 'choices':
      return <ChoicesControl {...props} />;
    case 'object':
      return <ObjectControl {...props} />;
    case 'array':
      return <ArrayControl {...props} />;
    case 'union':
      return <UnionControl {...props} />;
    case 'null':
      return <ChoiceControl {...props} />;
    default:
      return <JsonControl {...props} />;
  }
}

function ObjectControl(props: ControlProps) {
  const { draft, change, root, path, field } = props;
  const value = get(draft.value, path);
  if (value === undefined || value === null) return null;
  const members = membersOf(field, root);
  const extras = extrasOf(field, root);
  const others = names(value).filter((name) => !members.some((known) => known.name === name));
  const free = (at = 1): string => (others.includes(`key${at}`) || members.some((known) => known.name === `key${at}`) ? free(at + 1) : `key${at}`);
  return (
    <div class="inner">
      {members.filter((inner) => !isGiven(inner, member(value, inner.name))).map((inner) => <FieldEditor key={inner.name} {...{ draft, change, root }} path={[...path, inner.name]} name={inner.name} field={inner.field} required={inner.required} />)}
      {others.map((name) => (
        <FieldEditor
          key={name} {...{ draft, change, root }} path={[...path, name]} name={name} required field={extras ?? ANY} onRemove={() => change(put(draft, [...path, name], undefined))}
          extra={<input type="text" class="rename" aria-label={`Name of ${name}`} value={name} onChange={(event) => change(renameMember(draft, path, name, event.currentTarget.value))} />}
        />
      ))}
      {extras && <Button onClick={() => { const key = free(); const start = emptyOf(extras, root); change(start === undefined ? typeJson(draft, [...path, key], '') : put(draft, [...path, key], start)); }}><Icon name="plus" />Add a member</Button>}
    </div>
  );
}

/** Whether there is nothing to choose: the one constant that is allowed is sent. */
function isGiven({ required, field }: Member, value: Json | undefined): boolean {
  return required && field.kind === 'choice' && !field.nullable && field.options.length === 1 && value !== undefined && equal(field.options[0]!.value, value);
}

const ANY: Field = { kind: 'json', nullable: true, limits: [], options: [], multiline: false, examples: [], schema: true };

function ArrayControl({ draft, change, root, path, field, name }: ControlProps) {
  const value = get(draft.value, path);
  if (!Array.isArray(value)) return null;
  const inner = itemOf(field, root);
  const add = () => {
    const at = [...path, value.length];
    const start = emptyOf(inner, root);
    change(start !== undefined ? put(draft, at, start) : typeJson(put(draft, at, null), at, ''));
  };
  return (
    <div class="inner">
      {value.map((_, index) => (
        <FieldEditor
          key={index} {...{ draft, change, root }} path={[...path, index]} name={`${name}[${index}]`} required field={inner} onRemove={() => change(removeItem(draft, path, index))}
          extra={index > 0 && <button type="button" class="bare" aria-label={`Move ${name}[${index}] up`} onClick={() => change(moveItem(draft, path, index, index - 1))}><Icon name="up" /></button>}
        />
      ))}
      <Button onClick={add}><Icon name="plus" />Add to {name}</Button>
    </div>
  );
}

function UnionControl(props: ControlProps) {
  const { draft, change, root, path, field, name } = props;
  const value = get(draft.value, path);
  if (value === undefined || value === null) return null;
  const variants = variantsOf(field, root);
  const at = variantFor(variants, value, root);
  const variant = variants[at]!;
  const pick = (choice: string) => {
    const start = emptyOf(variants[Number(choice)]!, root);
    change(start === undefined ? typeJson(draft, path, '') : put(draft, path, start));
  };
  return (
    <div class="inner">
      <Segments label={`Variant of ${name}`} value={String(at)} options={variants.map((one, index) => [String(index), variantName(one, index)] as const)} onPick={pick} />
      {matchesKind(variant, value) ? <Control {...props} field={{ ...variant, nullable: false }} /> : <JsonControl {...props} />}
    </div>
  );
}
