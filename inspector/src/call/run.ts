// Running a call: its rounds, from the first message to the answer, with what it waited for.
import { effect, signal } from '@preact/signals';
import { complain, chosen, era, log, metaText, openWindow, perform, personId, state, watch } from '../state.ts';
import { send, type Exchange, type Headers } from '../api.ts';
import { answerOf, bodyOf, headersOf, isModern, type Answer, type Call } from './message.ts';

export interface Round {
  readonly exchange: Exchange;
  readonly answer: Answer;
}

export interface Run {
  readonly id: number;
  readonly method: Call['method'];
  readonly name: string;
  readonly arguments?: string;
  readonly person: string | null;
  readonly era: string;
  readonly rounds: readonly Round[];
  readonly pending: boolean;
  /** What is waited for before the same call is sent again. */
  readonly waits?: 'person';
}

/** The last run of each tool. */
export const runs = signal<ReadonlyMap<string, Run>>(new Map());
let next = 1;

const keep = (run: Run) => (runs.value = new Map(runs.value).set(run.name, run));
const current = (run: Run) => runs.value.get(run.name)?.id === run.id;
export const forget = (name: string) => {
  const without = new Map(runs.value);
  without.delete(name);
  runs.value = without;
};

export async function exchange(call: Omit<Call, 'id' | 'era'> & { era?: string }, person = personId.value): Promise<Round> {
  const whole: Call = { ...call, era: call.era ?? era.value, id: next++ };
  const sent = await send({ person, era: whole.era, body: bodyOf(whole), headers: headersOf(whole) });
  log.add(sent);
  return { exchange: sent, answer: answerOf(sent.status ?? 0, sent.response ?? '') };
}

/** Makes a call as the chosen person, or as another one. */
export async function start(name: string, args: string, options: { person?: string | null; method?: Call['method']; follow?: boolean } = {}): Promise<Run | undefined> {
  const method = options.method ?? 'tools/call';
  const person = options.person === undefined ? personId.value : options.person;
  const run: Run = { id: next++, method, name, ...(method === 'tools/call' ? { arguments: args } : {}), person, era: era.value, rounds: [], pending: true };
  if (options.follow !== false) keep(run);
  return another(run, undefined, options.follow !== false);
}

async function another(run: Run, answers: Call['answers'], shown: boolean): Promise<Run | undefined> {
  try {
    const round = await exchange({ method: run.method, name: run.name, era: run.era, ...(run.arguments === undefined ? {} : { arguments: run.arguments }), meta: metaText.value, ...(answers ? { answers } : {}) }, run.person);
    const done: Run = { ...run, rounds: [...run.rounds, round], pending: false };
    if (shown && current(run)) {
      keep(done);
      // Of a request without a good token the trace knows neither tool nor person: the story goes on from the next one,
      // which begins with the sign-in.
      chosen.value = run.rounds.find(({ exchange }) => exchange.status !== 401)?.exchange.span ?? round.exchange.span;
    }
    return done;
  } catch (error) {
    if (shown && current(run)) keep({ ...run, pending: false });
    complain(error);
    return undefined;
  }
}

/** Sends the same call again, with what was answered to its questions. */
export function again(run: Run, responses?: string): void {
  const last = run.rounds.at(-1)?.answer;
  const pending: Run = { ...run, pending: true };
  keep(pending);
  const accept = `{${last?.asks.map(({ key }) => `${JSON.stringify(key)}:{"action":"accept"}`).join(',') ?? ''}}`;
  const carries = isModern(run.era) && last?.kind === 'asks';
  void another(pending, carries ? { responses: responses ?? accept, ...(last.state === undefined ? {} : { state: last.state }) } : undefined, true);
}

/** Events after which a call that waits for a person goes on. */
const FINISHED = new Set(['grant_made', 'step_up_decided', 'consent_failed', 'tokens_issued', 'account_use']);
let stop: (() => void) | undefined;

/** Waits until the person has decided in the browser, and repeats the call. */
export function goOn(run: Run): void {
  stop?.();
  keep({ ...run, waits: 'person' });
  if (run.person === null) return waitForSignIn(run);
  stop = watch((event) => {
    if (!FINISHED.has(event.event) || event.decision === 'asked') return;
    stop?.();
    const now = runs.value.get(run.name);
    if (!now || now.id !== run.id || now.waits !== 'person') return;
    const { waits: _, ...rest } = now;
    if (event.event === 'consent_failed' || event.decision === 'denied') keep(rest);
    else again(rest);
  });
}

/** Waits until someone is signed in, and repeats the call as that person. */
function waitForSignIn(run: Run): void {
  const known = new Set(state.value?.people.map(({ id }) => id));
  stop = effect(() => {
    const arrived = state.value?.people.find(({ id, token }) => token && !known.has(id));
    if (!arrived) return;
    queueMicrotask(() => {
      stop?.();
      const now = runs.value.get(run.name);
      if (!now || now.id !== run.id || now.waits !== 'person') return;
      const { waits: _, ...rest } = now;
      personId.value = arrived.id;
      again({ ...rest, person: arrived.id });
    });
  });
}

export function stopWaiting(run: Run): void {
  stop?.();
  const { waits: _, ...rest } = run;
  keep(rest);
}

/** Opens a link that the server gave, and repeats the call when the person has decided. */
export function openLink(run: Run, url: string): void {
  goOn(run);
  openWindow(url);
}

/** What a card's button does, then the call again. */
export async function mendAndRepeat(run: Run, what: Parameters<typeof perform>[0]): Promise<void> {
  const mended = await perform(what);
  if (!mended) return;
  if (mended.open) goOn(runs.value.get(run.name) ?? run);
  else {
    const name = 'person' in what && what.person ? what.person : state.value?.people.find(({ id }) => id === run.person)?.id;
    again({ ...run, person: name ?? personId.value });
  }
}

/** Sends a message as it was, or as it was edited. */
export async function replay(body: string, headers: Headers, person: string | null): Promise<Exchange | undefined> {
  try {
    const sent = await send({ person, era: headers.find(([name]) => name === 'mcp-protocol-version')?.[1] ?? era.value, body, headers });
    log.add(sent);
    chosen.value = sent.span;
    return sent;
  } catch (error) {
    complain(error);
    return undefined;
  }
}
