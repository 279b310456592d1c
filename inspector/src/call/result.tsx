// The answer of a call: its content, a conversation if it asked for something, or a refusal card.
import { useEffect, useRef, useState } from 'preact/hooks';
import { BodyView, JsonView, TextView } from '../parts/json_view.tsx';
import { Button, Chip, Icon, Segments } from '../parts/ui.tsx';
import { compact } from '../json/print.ts';
import { member, type Json } from '../json/value.ts';
import { beat, calledBy, state, trace } from '../state.ts';
import { cardOf, type Card } from '../trace/refusal.ts';
import { protocolCard } from '../trace/protocol_errors.ts';
import { plural } from '../trace/words.ts';
import { RefusalCard } from './card.tsx';
import { FormAsk } from './form_ask.tsx';
import type { Exchange } from '../api.ts';
import { answerOf, isError, textOf, tokensIn } from './message.ts';
import { again, openLink, stopWaiting, type Round, type Run } from './run.ts';

const MANY_TOKENS = 5000;
const TOO_MANY_TOKENS = 20_000;
/** The most of a tool's own words on a card. */
const MAX_SAID = 300;

export function cardFor(round: Round, person: string | null): Card | undefined {
  // Every view that calls this is drawn again when events arrive: they may come after the answer.
  void beat.value;
  const span = trace.span(round.exchange.span);
  const events = span ? [span, ...trace.below(span.id)].flatMap((one) => one.events).sort((one, other) => one.id - other.id) : [];
  const ok = round.answer.kind === 'result' && !isError(round.answer.result);
  if (ok) return undefined;
  const card = cardOf({ state: state.value, person, events, path: round.exchange.path });
  const { kind, code, message } = round.answer;
  // No event says more about a message that is wrong than the message itself.
  if ((!card || card.kind === 'request_message') && kind !== 'asks' && code !== undefined) return protocolCard(round.exchange, { code, message: message ?? '' }, state.value);
  const said = textOf(round.answer.result);
  // What a tool says of its own error is in its answer alone.
  return card?.kind === 'tool_error' && said ? { ...card, found: said.length > MAX_SAID ? `${said.slice(0, MAX_SAID)}…` : said } : card;
}

/** The card of an exchange of any host. */
export const cardOfExchange = (exchange: Exchange): Card | undefined => cardFor({ exchange, answer: answerOf(exchange.status ?? 200, exchange.response ?? '') }, exchange.person);

export function RunView({ run }: { run: Run }) {
  const last = run.rounds.at(-1);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const { top } = box.current!.getBoundingClientRect();
    const bottom = document.getElementById('main')?.getBoundingClientRect().bottom ?? innerHeight;
    if (!run.pending && top > bottom - 220) box.current!.scrollIntoView({ block: 'start', behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'instant' : 'smooth' });
  }, [run.pending, run.rounds.length]);
  return (
    <div class="run" ref={box} aria-live="polite" aria-busy={run.pending}>
      {run.rounds.length > 1 || run.waits ? <Conversation run={run} /> : null}
      {run.pending && <p class="soft pending"><span class="spinner" aria-hidden="true" />Waiting for the answer</p>}
      {last && !run.pending && <RoundView round={last} run={run} />}
    </div>
  );
}

/** What was asked and answered, one line for each round. */
function Conversation({ run }: { run: Run }) {
  return (
    <ol class="rounds" aria-label="Rounds of this call">
      {run.rounds.map(({ answer, exchange }, index) => {
        const card = index < run.rounds.length - 1 || run.waits ? cardFor(run.rounds[index]!, run.person) : undefined;
        const good = answer.kind === 'result' && !isError(answer.result);
        const say = answer.asks.length ? answer.asks.map(({ message }) => message).join(' ') || 'The server asked for something' : card ? card.title : good ? 'Answered' : 'Answered with an error';
        return (
          <li key={exchange.id} class={good ? 'good' : 'warn'}>
            <b>{index ? `Sent again` : `Called ${run.name}`}</b>
            <span class="soft">{say}</span>
          </li>
        );
      })}
      {run.waits && (
        <li class="waits">
          <b>Waits for {calledBy(run.person) ?? 'the person'} in the other window</b>
          <span class="soft">The call is repeated by itself.</span>
          <span class="row"><Button onClick={() => again(run)}>Repeat now</Button><Button onClick={() => stopWaiting(run)}>Stop waiting</Button></span>
        </li>
      )}
    </ol>
  );
}

function RoundView({ round, run }: { round: Round; run: Run }) {
  const { answer, exchange } = round;
  const card = cardFor(round, run.person);
  const links = [...answer.asks.flatMap(({ url }) => (url ? [url] : [])), ...(answer.link ? [answer.link] : [])];
  const forms = answer.asks.filter(({ mode, schema }) => mode === 'form' && schema !== undefined);
  const result = answer.result !== undefined && answer.kind === 'result';
  return (
    <>
      {card && <RefusalCard card={card} run={run} link={links[0]} />}
      {links.length > 0 && !card && !run.waits && (
        <section class="card ask">
          <h2>The server asks {calledBy(run.person) ?? 'the person'} to open a page</h2>
          {answer.asks.filter(({ message }) => message).map(({ key, message }) => <p key={key}>{message}</p>)}
          <div class="row">{links.map((url) => <Button key={url} kind="main" onClick={() => openLink(run, url)}><Icon name="out" />Open the page</Button>)}<Button onClick={() => again(run)}>Call again</Button></div>
        </section>
      )}
      {forms.map((ask) => <FormAsk key={ask.key} ask={ask} onAnswer={(content) => again(run, `{${JSON.stringify(ask.key)}:${content}}`)} />)}
      {result && <ResultView result={answer.result!} exchange={exchange} />}
      {!result && !card && answer.kind !== 'asks' && (
        <section class="card refusal bad">
          <h2>{answer.kind === 'error' ? `Error ${answer.code}: ${answer.message}` : `The server answered ${exchange.status ?? 'nothing'}`}</h2>
          <BodyView body={exchange.response ?? ''} label="Response" />
        </section>
      )}
    </>
  );
}

function ResultView({ result, exchange }: { result: Json; exchange: Round['exchange'] }) {
  const structured = member(result, 'structuredContent');
  const views: ['content' | 'structured' | 'raw', string][] = [];
  const content = member(result, 'content') ?? member(result, 'contents');
  if (structured !== undefined) views.push(['structured', 'Data']);
  if (Array.isArray(content) && content.length) views.push(['content', 'Content']);
  views.push(['raw', 'Message']);
  const [picked, setPicked] = useState<'content' | 'structured' | 'raw' | undefined>(undefined);
  const view = views.find(([key]) => key === picked)?.[0] ?? views[0]![0];
  const tokens = tokensIn(result);
  const failed = isError(result);
  return (
    <section class={`card result ${failed ? 'bad' : 'good'}`} aria-label="Result">
      <div class="row spread">
        <h2>{failed ? 'An error of the tool' : 'Answered'}</h2>
        <span class="soft">{exchange.ms === undefined ? '' : `${exchange.ms.toLocaleString('en')} ms`}</span>
        <span class="soft" title="By the rule of thumb of four characters each">about {plural(tokens, 'token')}</span>
        {tokens > MANY_TOKENS && <Chip tone={tokens > TOO_MANY_TOKENS ? 'bad' : 'warn'}>{tokens > TOO_MANY_TOKENS ? 'crowds out the context' : 'long for a model'}</Chip>}
        <span class="grow" />
        {views.length > 1 && <Segments small label="View" value={view} options={views} onPick={setPicked} />}
      </div>
      {view === 'structured' && <JsonView value={structured!} label="Structured content" />}
      {view === 'content' && (content as Json[]).map((part, index) => <ContentPart key={index} part={part} />)}
      {view === 'raw' && <BodyView body={exchange.response ?? ''} label="Response" />}
    </section>
  );
}

function ContentPart({ part }: { part: Json }) {
  const string = (key: string) => {
    const value = member(part, key);
    return typeof value === 'string' ? value : undefined;
  };
  const type = string('type');
  const [data, mime] = [string('data') ?? string('blob'), string('mimeType') ?? ''];
  if (type === 'image' && data && /^image\/(png|jpeg|gif|webp)$/.test(mime)) return <img class="content-image" alt="Image in the result" src={`data:${mime};base64,${data}`} />;
  if (type === 'resource_link') return <p><Chip>resource</Chip> <code>{string('uri')}</code> {string('description')}</p>;
  const text = string('text') ?? (type === 'resource' ? textOf(part) : undefined);
  if (text !== undefined) return /^\s*[[{]/.test(text) ? <BodyView body={text} label="Text content" /> : <TextView text={text} label="Text content" json={false} />;
  return <TextView text={compact(part)} label="Content" json />;
}
