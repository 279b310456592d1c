// A tool: its form, the JSON next to it, the call and its answer.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { act, type Tool } from '../api.ts';
import { FieldEditor, inlineCode } from '../form/fields.tsx';
import { argumentsOf, doubled, draftOf, obstacle, typeAll, type Draft } from '../form/draft.ts';
import { fieldOf, membersOf } from '../form/schema.ts';
import { Button, Chip, Copy, Icon } from '../parts/ui.tsx';
import { JsonObject, member, type Json } from '../json/value.ts';
import { parse } from '../json/parse.ts';
import { complain, draftFor, era, go, metaText, narrow, perform, person, personId, state } from '../state.ts';
import { asCurl, asRust, asTypeScript, type Copied } from './copy_as.ts';
import { bodyOf, headersOf } from './message.ts';
import { RunView } from './result.tsx';
import { forget, runs, start } from './run.ts';

const string = (value: Json | undefined) => (typeof value === 'string' ? value : undefined);

export function CallPage({ tool }: { tool: Tool }) {
  const draft = draftFor(tool.name);
  const root = member(tool.definition, 'inputSchema') ?? new JsonObject();
  const blocked = obstacle(draft.value) ?? (metaFault() && `Request metadata: ${metaFault()}`);
  const run = runs.value.get(tool.name);
  const call = () => {
    if (!blocked && !run?.pending) void start(tool.name, argumentsOf(draft.value));
  };
  const members = membersOf(fieldOf(root, root), root);
  return (
    <article class="call" onKeyDown={(event) => { if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) { event.preventDefault(); call(); } }}>
      <ToolHead tool={tool} />
      <form onSubmit={(event) => { event.preventDefault(); call(); }}>
        {members.length === 0 && !(draft.value.value.entries.length || draft.value.fault) ? <p class="soft no-arguments">This tool takes no arguments.</p> : <Editor draft={draft.value} root={root} change={(next) => (draft.value = next)} />}
        <Metadata />
        <div class="row actions">
          <Button kind="main" type="submit" disabled={blocked !== undefined || run?.pending === true} title="Ctrl+Enter"><Icon name="play" />Call</Button>
          <CopyAs tool={tool} args={argumentsOf(draft.value)} disabled={blocked !== undefined} />
          {state.value?.can_save && <Save tool={tool} args={argumentsOf(draft.value)} disabled={blocked !== undefined} />}
          {(draft.value.value.entries.length > 0 || draft.value.typed.size > 0 || draft.value.fault || run) && <Button onClick={() => { draft.value = draftOf(); forget(tool.name); }}>Clear</Button>}
        </div>
        {blocked && <p class="fault" role="status">{blocked}</p>}
      </form>
      {run && <RunView key={run.id} run={run} />}
      {!run && !runs.value.size && <Hint />}
    </article>
  );
}

/** For the first look: what a call does. */
function Hint() {
  const who = person.value?.name;
  const as = who ? `as ${who}` : state.value?.server.access === 'open' ? 'at once: this server asks nobody to sign in' : 'without a sign-in, and the answer says what is missing';
  return <p class="hint">Press Call: it is made {as}. What this server decides about it, and why, appears {narrow.value ? 'under Trace' : 'in the trace'}.</p>;
}

function ToolHead({ tool }: { tool: Tool }) {
  const annotations = member(tool.definition, 'annotations');
  const access = person.value?.access[tool.name];
  const missing = new Set(access?.missing ?? []);
  const connected = new Set(person.value?.accounts.filter((account) => account.connected).map(({ provider }) => provider));
  const destructive = member(annotations, 'destructiveHint') === true && member(annotations, 'readOnlyHint') !== true;
  return (
    <header class="heading">
      <div class="narrow-only tool-picker"><select aria-label="Which tool" onChange={(event) => go('tools', event.currentTarget.value)}>{state.value?.tools.map(({ name }) => <option key={name} value={name} selected={name === tool.name}>{name}</option>)}</select></div>
      <h1 tabIndex={-1} class="mono named-above">{tool.name}</h1>
      <p class="soft">{inlineCode(string(member(tool.definition, 'description')) ?? '')}</p>
      <div class="row chips">
        {tool.scopes.map(({ scope, provider }) => <Chip key={`${provider}${scope}`} tone={missing.has(scope) ? 'warn' : access ? 'good' : 'plain'} title={provider ? `at ${provider}` : 'of this server'}>{scope}{missing.has(scope) ? (access?.state === 'consent' ? `: ${access.provider} ${connected.has(access.provider ?? '') ? 'has not granted it' : 'is not connected'}` : ' is missing') : ''}</Chip>)}
        {tool.scopes.length === 0 && <Chip>no scope</Chip>}
        {member(annotations, 'readOnlyHint') === true ? <Chip>only reads</Chip> : destructive ? <Chip tone="warn">destroys</Chip> : <Chip>writes</Chip>}
        {tool.widget && <button type="button" class="chip link" onClick={() => go('widget', tool.name)}>has a widget</button>}
      </div>
    </header>
  );
}

function Editor({ draft, root, change }: { draft: Draft; root: Json; change: (draft: Draft) => void }) {
  const members = membersOf(fieldOf(root, root), root);
  const known = new Set(members.map(({ name }) => name));
  const unknown = draft.value.entries.map(([name]) => name).filter((name) => !known.has(name));
  const twice = doubled(draft);
  // Next to the form where there is room, else below it and folded.
  const wide = useMemo(() => matchMedia('(min-width: 761px)').matches, []);
  return (
    <div class="editor">
      <fieldset class="fields" disabled={draft.fault !== undefined} aria-label="Arguments">
        {members.map(({ name, field, required }) => <FieldEditor key={name} {...{ draft, root, change }} path={[name]} name={name} field={field} required={required} />)}
        {unknown.length > 0 && <p class="soft note">Also sent, from the JSON: {unknown.join(', ')}.</p>}
      </fieldset>
      <details class="as-json" open={wide}>
        <summary>JSON</summary>
        <textarea id="arguments-json" aria-label="Arguments as JSON" class="mono" spellcheck={false} rows={Math.min(24, Math.max(4, draft.text.split('\n').length + 1))} value={draft.text} aria-invalid={draft.fault !== undefined} onInput={(event) => change(typeAll(draft, event.currentTarget.value))} />
        {draft.fault && <p class="soft note">The form follows again when this can be read.</p>}
        {twice.length > 0 && <p class="fault">{twice.join(', ')} occurs twice: the form shows the last one, and both are sent.</p>}
      </details>
    </div>
  );
}

function metaFault(): string | undefined {
  if (!metaText.value.trim()) return undefined;
  const { value, fault } = parse(metaText.value);
  if (fault) return `${fault.message} (line ${fault.line}, column ${fault.column}).`;
  return value instanceof JsonObject ? undefined : 'it is an object.';
}

/** Members of `_meta`, which may be any JSON. */
function Metadata() {
  return (
    <details class="metadata">
      <summary>Request metadata <code>_meta</code></summary>
      <textarea class="mono" rows={3} spellcheck={false} aria-label="Request metadata, as JSON" placeholder='{ "example.com/trace": { "sampled": true } }' value={metaText.value} aria-invalid={metaFault() !== undefined} onInput={(event) => (metaText.value = event.currentTarget.value)} />
      <p class="soft note">What the protocol needs is added. Any JSON may be here.</p>
    </details>
  );
}

function CopyAs({ tool, args, disabled }: { tool: Tool; args: string; disabled: boolean }) {
  const run = runs.value.get(tool.name);
  const last = run?.rounds.at(-1);
  const menu = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const outside = (event: Event) => {
      if (menu.current && !menu.current.contains(event.target as Node)) menu.current.open = false;
    };
    for (const kind of ['pointerdown', 'focusin']) addEventListener(kind, outside);
    return () => ['pointerdown', 'focusin'].forEach((kind) => removeEventListener(kind, outside));
  }, []);
  const copied = (): Copied => ({ state: state.value!, tool, person: personId.value, arguments: args, era: era.value, ...(last && run?.arguments === args ? { answer: { status: last.exchange.status ?? 0, answer: last.answer } } : {}) });
  const curl = async () => {
    const call = { method: 'tools/call', name: tool.name, arguments: args, meta: metaText.value, era: era.value, id: 1 } as const;
    try {
      const token = personId.value === null || state.value!.server.access === 'open' ? undefined : (await act({ act: 'minute_token', person: personId.value })).token;
      return asCurl(state.value!.server.url, headersOf(call), bodyOf(call), token);
    } catch (error) {
      return complain(error), undefined;
    }
  };
  if (disabled || !state.value) return null;
  return (
    <details class="menu" ref={menu} onKeyDown={(event) => { if (event.key === 'Escape' && menu.current?.open) { menu.current.open = false; menu.current.querySelector('summary')?.focus(); } }}>
      <summary class="quiet"><Icon name="copy" />Copy as<Icon name="down" /></summary>
      <div class="popup">
        <Copy kind="bare" label="curl, with a token of a minute" text={curl} />
        <Copy kind="bare" label="a Rust test" text={() => asRust(copied())} />
        <Copy kind="bare" label="TypeScript" text={() => asTypeScript(copied())} />
        <Copy kind="bare" label="arguments as JSON" text={args} />
      </div>
    </details>
  );
}

function Save({ tool, args, disabled }: { tool: Tool; args: string; disabled: boolean }) {
  const [name, setName] = useState<string | undefined>(undefined);
  const last = runs.value.get(tool.name)?.rounds.at(-1);
  const good = name !== undefined && /^[\w][\w.-]{0,60}$/.test(name);
  const save = async () => {
    if (!good || !last) return;
    const outcome = (last.exchange.status ?? 200) !== 200 ? String(last.exchange.status) : last.answer.kind === 'result' && member(last.answer.result, 'isError') === true ? 'error' : last.answer.kind;
    if (await perform({ act: 'save', call: { name: name!, tool: tool.name, person: personId.value, arguments: args, expect: { outcome } } })) setName(undefined);
  };
  if (name === undefined) return <Button disabled={disabled || !last} title={last ? undefined : 'Call it first: what it answers is kept as what is expected'} onClick={() => setName(tool.name.replaceAll('_', '-'))}>Save</Button>;
  return (
    <span class="row save">
      <label class="mono" for="save-name">calls/</label>
      <input id="save-name" type="text" class="mono" value={name} aria-invalid={!good} onInput={(event) => setName(event.currentTarget.value)} onKeyDown={(event) => { if (event.key === 'Enter') { event.preventDefault(); void save(); } if (event.key === 'Escape') setName(undefined); }} />
      <span class="mono soft">.json</span>
      <Button kind="main" disabled={!good} onClick={() => void save()}>Save</Button>
      <Button onClick={() => setName(undefined)}>Cancel</Button>
    </span>
  );
}
