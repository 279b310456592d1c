// JSON to read, in colours, or a text as it is.
import { useState } from 'preact/hooks';
import type { ComponentChildren } from 'preact';
import { parse } from '../json/parse.ts';
import { pretty } from '../json/print.ts';
import type { Json } from '../json/value.ts';
import { Copy } from './ui.tsx';

const MAX_SHOWN = 20_000;
const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(true|false|null)\b|(-?\d[\d.eE+-]*)/g;

/** The text with a class for each name, text, word and number. */
export function highlight(text: string): ComponentChildren[] {
  const parts: ComponentChildren[] = [];
  let at = 0;
  for (const match of text.matchAll(TOKEN)) {
    const [whole, quoted, colon, word] = match;
    if (match.index > at) parts.push(text.slice(at, match.index));
    if (quoted !== undefined) parts.push(<span class={colon ? 'j-name' : 'j-text'}>{quoted}</span>, colon ?? '');
    else parts.push(<span class={word !== undefined ? 'j-word' : 'j-number'}>{whole}</span>);
    at = match.index + whole.length;
  }
  parts.push(text.slice(at));
  return parts;
}

export function JsonView({ value, label }: { value: Json; label: string }) {
  return <TextView text={pretty(value)} label={label} json />;
}

/** A body: as JSON if it is JSON. */
export function BodyView({ body, label }: { body: string; label: string }) {
  const { value } = parse(body);
  return value === undefined ? <TextView text={body} label={label} json={false} /> : <JsonView value={value} label={label} />;
}

export function TextView({ text, label, json }: { text: string; label: string; json: boolean }) {
  const [all, setAll] = useState(false);
  const shown = all ? text : text.slice(0, MAX_SHOWN);
  return (
    <div class="code">
      <pre tabIndex={0} aria-label={label}>{json && shown.length <= MAX_SHOWN ? highlight(shown) : shown}</pre>
      <Copy text={text} kind="bare" />
      {shown.length < text.length && (
        <button type="button" class="quiet" onClick={() => setAll(true)}>Show all {text.length.toLocaleString('en')} characters</button>
      )}
    </div>
  );
}
