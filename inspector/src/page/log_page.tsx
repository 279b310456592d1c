// HTTP and JSON-RPC in one list. Only the rows that are seen are drawn.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Button, Chip, Copy, Empty, Heading, Segments } from '../parts/ui.tsx';
import { BodyView } from '../parts/json_view.tsx';
import { cardOfExchange } from '../call/result.tsx';
import { RefusalCard } from '../call/card.tsx';
import { beat, calledBy, chosen, log, pane, personId, route } from '../state.ts';
import { replay } from '../call/run.ts';
import type { Exchange, Headers } from '../api.ts';
import { header, headerVerdicts, mask, messageOf } from '../trace/log_check.ts';
import { MAX_LOG_BYTES, MAX_LOG_ENTRIES } from '../trace/store.ts';
import { plural } from '../trace/words.ts';

const ROW = 34;
const OVERSCAN = 6;

export function LogPage() {
  const [words, setWords] = useState('');
  const [failed, setFailed] = useState<'all' | 'failed'>('all');
  const [open, setOpen] = useState<number | undefined>(undefined);
  // The trace links to a message.
  const named = route.value[1];
  useEffect(() => { if (named !== undefined) setOpen(Number(named)); }, [named]);
  const version = beat.value;
  const found = useMemo(() => {
    const entries = log.search(words);
    return failed === 'all' ? entries : entries.filter(({ status, response }) => (status ?? 200) >= 400 || response?.includes('"error"') || response?.includes('"isError":true'));
  }, [words, failed, version]);
  const shown = open === undefined ? undefined : log.entries.find(({ id }) => id === open);
  return (
    <article class="log">
      <Heading title="Messages">{`HTTP and JSON-RPC of every host. The last ${MAX_LOG_ENTRIES.toLocaleString('en')} are kept, at most ${MAX_LOG_BYTES / 1024 / 1024} MiB; secrets are masked.`}</Heading>
      <div class="row">
        <input type="search" class="grow" aria-label="Search the messages" placeholder="Search: a tool, a status, a person, any text" value={words} onInput={(event) => setWords(event.currentTarget.value)} />
        <Segments small label="Which" value={failed} options={[['all', 'all'], ['failed', 'failed']]} onPick={setFailed} />
        <span class="soft" role="status">{plural(found.length, 'message')}{log.dropped ? `, ${log.dropped.toLocaleString('en')} older ones dropped` : ''}</span>
      </div>
      {found.length ? <Rows entries={found} open={open} onOpen={setOpen} /> : <Empty>{log.entries.length ? 'Nothing has these words.' : 'Nothing was sent yet. Call a tool, or connect a host.'}</Empty>}
      {shown && <Detail key={shown.id} exchange={shown} onClose={() => setOpen(undefined)} />}
    </article>
  );
}

function Rows({ entries, open, onOpen }: { entries: readonly Exchange[]; open: number | undefined; onOpen: (id: number | undefined) => void }) {
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(420);
  useEffect(() => {
    const element = box.current!;
    const measure = () => setHeight(element.clientHeight);
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, []);
  const newest = entries.length;
  const first = Math.max(0, Math.floor(top / ROW) - OVERSCAN);
  const last = Math.min(newest, first + Math.ceil(height / ROW) + 2 * OVERSCAN);
  const move = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -newest, End: newest }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const at = entries.findIndex(({ id }) => id === open);
    const from = at < 0 ? -1 : newest - 1 - at;
    const to = Math.max(0, Math.min(newest - 1, from + step));
    onOpen(entries[newest - 1 - to]!.id);
    const y = to * ROW;
    if (y < box.current!.scrollTop) box.current!.scrollTop = y;
    else if (y + ROW > box.current!.scrollTop + height) box.current!.scrollTop = y + ROW - height;
  };
  const selected = open === undefined ? undefined : `log-${open}`;
  return (
    <div class="log-rows" ref={box} tabIndex={0} role="listbox" aria-label="Messages, the newest first" aria-activedescendant={selected} onScroll={(event) => setTop(event.currentTarget.scrollTop)} onKeyDown={move}>
      <svg class="filler" width="1" height={newest * ROW} aria-hidden="true" />
      <div class="log-window" role="presentation" ref={(element) => { if (element) element.dataset['at'] = String(first); }}>
        <svg class="filler" width="1" height={first * ROW} aria-hidden="true" />
        {Array.from({ length: Math.max(0, last - first) }, (_, index) => entries[newest - 1 - first - index]!).map((entry) => <RowView key={entry.id} entry={entry} here={entry.id === open} onOpen={onOpen} />)}
      </div>
    </div>
  );
}

const statusTone = (status: number | undefined) => (status === undefined ? 'plain' : status >= 500 ? 'bad' : status >= 400 ? 'warn' : 'good');

function RowView({ entry, here, onOpen }: { entry: Exchange; here: boolean; onOpen: (id: number | undefined) => void }) {
  const { method, name } = useMemo(() => messageOf(entry.request.slice(0, 20_000)), [entry.request]);
  const wrong = useMemo(() => headerVerdicts(entry).some(({ agrees }) => !agrees), [entry]);
  return (
    <div class="log-row" id={`log-${entry.id}`} role="option" aria-selected={here} onClick={() => onOpen(here ? undefined : entry.id)}>
      <Chip tone={statusTone(entry.status)}>{entry.status ?? '…'}</Chip>
      <span class="mono">{method ?? `${entry.method} ${entry.path}`}</span>
      <span class="mono strong">{name ?? ''}</span>
      {wrong && <Chip tone="bad">headers differ</Chip>}
      <span class="grow" />
      <span class="soft who">{[entry.peer === 'inspector' ? undefined : entry.peer, entry.person && calledBy(entry.person)].filter(Boolean).join(', ') || 'this page'}</span>
      <span class="soft ms">{entry.ms === undefined ? '' : `${entry.ms} ms`}</span>
    </div>
  );
}

function Detail({ exchange, onClose }: { exchange: Exchange; onClose: () => void }) {
  const verdicts = headerVerdicts(exchange);
  const [editing, setEditing] = useState(false);
  const inspected = exchange.peer === 'inspector';
  const card = cardOfExchange(exchange);
  const sendable: Headers = exchange.request_headers.filter(([name]) => !['authorization', 'host', 'cookie', 'content-length', 'origin', 'user-agent', 'connection'].includes(name.toLowerCase()));
  return (
    <section class="detail" aria-label="Message">
      <div class="row">
        <h2>{messageOf(exchange.request).name ?? messageOf(exchange.request).method ?? `${exchange.method} ${exchange.path}`}</h2>
        <span class="soft">{inspected ? 'from this page' : `from ${exchange.peer}`}</span>
        <span class="grow" />
        <Button onClick={() => { chosen.value = exchange.span; pane.value = 'trace'; }}>Trace</Button>
        {exchange.method === 'POST' && <Button onClick={() => void replay(exchange.request, sendable, exchange.person ?? personId.value)}>Replay</Button>}
        {exchange.method === 'POST' && <Button aria-expanded={editing} onClick={() => setEditing(!editing)}>Edit and replay</Button>}
        <Copy text={JSON.stringify({ ...exchange, request: mask(exchange.request), response: mask(exchange.response ?? '') }, null, 2)} />
        <Button onClick={onClose}>Close</Button>
      </div>
      {card && <RefusalCard card={card} />}
      {editing && <Edit exchange={exchange} headers={sendable} />}
      {verdicts.length > 0 && (
        <ul class="verdicts" aria-label="Headers against the body">
          {verdicts.map(({ header, agrees, say }) => <li key={header}><Chip tone={agrees ? 'good' : 'bad'}>{agrees ? 'agrees' : 'differs'}</Chip> <code>{header}</code> <span class="soft">{say}</span></li>)}
        </ul>
      )}
      <div class="halves">
        <Half title="Request" headers={exchange.request_headers} body={exchange.request} line={`${exchange.method} ${exchange.path}`} />
        <Half title="Response" headers={exchange.response_headers ?? []} body={exchange.response ?? ''} line={exchange.status === undefined ? 'not yet' : String(exchange.status)} />
      </div>
    </section>
  );
}

function Half({ title, headers, body, line }: { title: string; headers: Headers; body: string; line: string }) {
  return (
    <div>
      <h3>{title} <span class="soft mono">{line}</span></h3>
      <details>
        <summary>{plural(headers.length, 'header')}</summary>
        <dl class="headers">{headers.map(([name, value], index) => <div key={index}><dt class="mono">{name}</dt><dd class="mono">{mask(value)}</dd></div>)}</dl>
      </details>
      {body ? <BodyView body={mask(body)} label={`${title} body`} /> : <p class="soft">No body.</p>}
    </div>
  );
}

/** A message that is changed before it is sent again, headers included. */
function Edit({ exchange, headers }: { exchange: Exchange; headers: Headers }) {
  const [body, setBody] = useState(exchange.request);
  const [lines, setLines] = useState(headers.map(([name, value]) => `${name}: ${value}`).join('\n'));
  const parsed = lines.split('\n').flatMap((line): [string, string][] => {
    const at = line.indexOf(':');
    return at > 0 ? [[line.slice(0, at).trim().toLowerCase(), line.slice(at + 1).trim()]] : [];
  });
  const version = header(parsed, 'mcp-protocol-version');
  return (
    <div class="edit">
      <label>Headers<textarea class="mono" rows={4} spellcheck={false} value={lines} onInput={(event) => setLines(event.currentTarget.value)} /></label>
      <label>Body<textarea class="mono" rows={6} spellcheck={false} value={body} onInput={(event) => setBody(event.currentTarget.value)} /></label>
      <div class="row"><Button kind="main" onClick={() => void replay(body, parsed, exchange.person ?? personId.value)}>Send</Button><span class="soft">{version ? `version ${version}` : 'without a version'}, as {exchange.person ?? personId.value ?? 'nobody'}; the server adds the token</span></div>
    </div>
  );
}
