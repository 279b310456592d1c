// The trace of one call, both legs in one line of time.
import { useMemo, useState } from 'preact/hooks';
import { Button, Empty, Icon } from '../parts/ui.tsx';
import { cardOfExchange } from '../call/result.tsx';
import { beat, calledBy, chosen, log, narrow, pane, trace } from '../state.ts';
import { clock, scaleOf, storyOf, type Bar, type Row, type Story } from '../trace/story.ts';
import { LEGS, duration, plural } from '../trace/words.ts';

const RECENT = 40;

export function TracePanel() {
  const id = chosen.value ?? trace.requests.at(-1);
  const version = beat.value;
  const story = useMemo(() => (id === undefined ? undefined : storyOf(trace, id)), [id, version]);
  // On a phone it is the only thing there.
  const alone = narrow.value && pane.value === 'trace';
  return (
    <div id="trace" class="trace" role={alone ? 'main' : 'complementary'} aria-label="Trace">
      <div class="trace-head">
        <h2 aria-level={alone ? 1 : 2}>Trace</h2>
        <span class="grow" />
        <Picker id={id} />
      </div>
      {story ? <StoryView key={id} story={story} /> : <Empty>Call a tool. Everything that the server decides about it appears here: who calls, which scopes count, what the provider answers.</Empty>}
    </div>
  );
}

const nameOf = (id: string) => {
  const span = trace.span(id);
  const events = span?.events ?? [];
  const tool = events.find(({ tool }) => tool)?.tool ?? events.find(({ method }) => method)?.method ?? String(events[0]?.headers?.['mcp_method'] ?? events[0]?.event.replaceAll('_', ' ') ?? '');
  const subject = events.find(({ caller }) => caller)?.caller?.subject;
  const who = subject && calledBy(subject);
  const ended = events.find(({ event }) => event === 'call_ended');
  return [tool, who, ended?.outcome === 'done' ? `${ended.ms} ms` : ended?.outcome?.replaceAll('_', ' ') ?? (events.some(({ event }) => event === 'challenged') ? 'refused' : undefined)].filter(Boolean).join(' · ');
};

/** The calls of late, from every host. */
function Picker({ id }: { id: string | undefined }) {
  void beat.value;
  const requests = trace.requests;
  if (!requests.length) return null;
  const recent = requests.slice(-RECENT).reverse();
  if (id !== undefined && !recent.includes(id)) recent.push(id);
  return (
    <>
      <select class="picker" aria-label="Which call is shown" onChange={(event) => (chosen.value = event.currentTarget.value)}>
        {recent.map((one) => <option key={one} value={one} selected={one === id}>{nameOf(one)}</option>)}
      </select>
      {chosen.value !== undefined && chosen.value !== requests.at(-1) && <Button kind="bare" title="Follow the newest call" onClick={() => (chosen.value = undefined)}>Newest</Button>}
    </>
  );
}

function StoryView({ story }: { story: Story }) {
  const [earlier, setEarlier] = useState(false);
  return (
    <div class="story">
      <Why span={story.root.id} />
      <Waterfall bars={story.bars} />
      {story.before.length > 0 && (
        <>
          <button type="button" class="bare fold" aria-expanded={earlier} onClick={() => setEarlier(!earlier)}><Icon name={earlier ? 'down' : 'right'} />How the host signed in, {plural(story.before.length, 'step')}, {duration(story.earlier / 1000)} before</button>
          {earlier && <><Rows rows={story.before} /><p class="then soft">Then the call, with times of its own</p></>}
        </>
      )}
      <Rows rows={story.rows} />
      {!story.ended && <p class="soft pending"><span class="spinner" aria-hidden="true" />Not answered yet</p>}
    </div>
  );
}

/** Where the card of a call of another program is: those of this page show theirs already. */
function Why({ span }: { span: string }) {
  const exchange = log.entries.findLast((entry) => entry.span === span);
  const card = exchange && exchange.peer !== 'inspector' ? cardOfExchange(exchange) : undefined;
  if (!card) return null;
  return <p class={`why ${card.tone}`}><span>{card.title}</span> <a href={`#/log/${exchange!.id}`}>Why, and what hosts do</a></p>;
}

function Rows({ rows }: { rows: readonly Row[] }) {
  return (
    <ol class="rows">
      {rows.map((row, index) => (
        <RowView key={row.key} row={row} leg={rows[index - 1]?.leg === row.leg ? undefined : LEGS[row.leg]} />
      ))}
    </ol>
  );
}

function RowView({ row, leg }: { row: Row; leg: string | undefined }) {
  const [open, setOpen] = useState(false);
  return (
    <li class={`${row.tone}${row.strong ? ' strong' : ''}`}>
      {leg && <div class="leg">{leg}</div>}
      <time>{clock(row.at)}</time>
      <div class="what">
        <span>{row.title}</span> {row.aside && <span class="soft">{row.aside}</span>}
        {row.detail && <small>{row.detail}</small>}
        {row.holder && <small>begun by <button type="button" class="link" onClick={() => (chosen.value = row.holder)}>{nameOf(row.holder)}</button></small>}
        {row.waiters && (
          <>
            <button type="button" class="bare fold" aria-expanded={open} onClick={() => setOpen(!open)}><Icon name={open ? 'down' : 'right'} />{plural(row.waiters.length, 'call')} waited</button>
            {open && <ul class="waiters">{row.waiters.slice(0, 60).map((id) => <li key={id}><button type="button" class="bare" onClick={() => (chosen.value = id)}>{nameOf(id)}</button></li>)}</ul>}
          </>
        )}
      </div>
    </li>
  );
}

const MAX_BARS = 14;
const HEIGHT = 18;

/** The same as bars, so that what waited for what is seen. Silences are drawn short. */
function Waterfall({ bars }: { bars: readonly Bar[] }) {
  const shown = bars.slice(0, MAX_BARS);
  const scale = useMemo(() => scaleOf(shown), [bars]);
  if (shown.length < 2) return null;
  const summary = shown.map(({ label, from, to }) => `${label}, from ${clock(from)} to ${clock(to)} ms`).join('; ');
  return (
    <figure class="waterfall">
      <svg width="100%" height={shown.length * HEIGHT + 4} role="img" aria-label={summary}>
        {shown.map((bar, index) => {
          const [from, to] = [scale(bar.from) * 62, scale(bar.to) * 62];
          return (
            <g key={bar.key} class={`bar ${bar.kind}${bar.bad ? ' bad' : ''}`}>
              <rect x={`${38 + from}%`} y={index * HEIGHT + 4} width={`${Math.max(0.8, to - from)}%`} height={HEIGHT - 8} rx="2" />
              <text x="0" y={index * HEIGHT + 13}>{bar.label.length > 24 ? `${bar.label.slice(0, 23)}…` : bar.label}</text>
            </g>
          );
        })}
      </svg>
      <figcaption class="soft">Pauses are drawn short{bars.length > MAX_BARS ? `; ${bars.length - MAX_BARS} more below` : ''}</figcaption>
    </figure>
  );
}
