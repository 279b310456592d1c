// What the page and its server say to each other. Everything is below /inspector/api/.
import { parse } from './json/parse.ts';
import { JsonObject, member, plain, type Json } from './json/value.ts';
import type { Build, Reload } from './build/build.ts';
import { readEvents, type ServerEvent } from './sse.ts';
import { readEvent, type TraceEvent, type TraceValues } from './trace/events.ts';

export type AccessState = 'callable' | 'step_up' | 'consent' | 'hidden' | 'signed_out';

export interface Access {
  readonly state: AccessState;
  readonly missing?: readonly string[];
  readonly provider?: string;
}

export interface Token {
  readonly format: 'jwt' | 'opaque';
  readonly header?: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
  /** Milliseconds since 1970, by the server's clock. */
  readonly issued_at?: number;
  readonly expires_at?: number;
  readonly audience: readonly string[];
  readonly issuer: string;
  /** What was done to it on purpose. */
  readonly fault?: 'expired' | 'revoked' | 'signature' | 'scope';
  readonly faults: readonly ('expire' | 'drop_scope' | 'revoke' | 'break_signature')[];
  readonly coverage: readonly { readonly scope: string; readonly provider?: string; readonly held_by: string | null; readonly tools: readonly string[] }[];
}

export interface Person {
  readonly id: string;
  readonly name: string;
  readonly token?: Token;
  readonly accounts: readonly { readonly provider: string; readonly connected: boolean; readonly account?: string | null; readonly scopes: readonly string[] }[];
  readonly access: Readonly<Record<string, Access>>;
}

export interface Tool {
  readonly name: string;
  /** As tools/list has it, with every digit. */
  readonly definition: Json;
  readonly scopes: readonly { readonly scope: string; readonly provider?: string }[];
  readonly widget?: string;
}

export interface SavedCall {
  readonly name: string;
  readonly tool: string;
  readonly person: string | null;
  /** The arguments as JSON. */
  readonly arguments: string;
  readonly expect: { readonly outcome: string; readonly result?: string };
  readonly last?: { readonly passed: boolean; readonly note: string };
}

export interface Host {
  readonly name: string;
  readonly link?: string;
  readonly steps: readonly { readonly say: string; readonly copy?: string }[];
}

export interface State {
  readonly server: {
    readonly name: string;
    readonly title: string;
    readonly version: string;
    readonly url: string;
    readonly resource: string;
    readonly eras: readonly string[];
    readonly development: boolean;
    readonly access: 'broker' | 'dev' | 'outside' | 'open';
    /** Milliseconds since 1970 at `at_us` 0 of the events. */
    readonly started_at: number;
    readonly now: number;
  };
  readonly people: readonly Person[];
  readonly tools: readonly Tool[];
  readonly templates: readonly { readonly name: string; readonly template: string; readonly description?: string }[];
  readonly previous?: { readonly at: number; readonly tools: readonly Tool[] };
  readonly hosts: readonly Host[];
  readonly calls: readonly SavedCall[];
  readonly can_save: boolean;
}

export type Headers = readonly (readonly [string, string])[];

/** One HTTP exchange, with secrets masked by the server. */
export interface Exchange {
  readonly id: number;
  /** The request's span in the trace. */
  readonly span: string;
  readonly at_us: number;
  /** `inspector`, or what the client calls itself. */
  readonly peer: string;
  readonly person: string | null;
  readonly method: string;
  readonly path: string;
  readonly request_headers: Headers;
  readonly request: string;
  readonly status?: number;
  readonly response_headers?: Headers;
  readonly response?: string;
  readonly ms?: number;
}

export interface Check {
  readonly name: string;
  readonly outcome: 'ok' | 'warning' | 'fault' | 'skipped';
  readonly found: string;
  readonly todo?: string;
}

export type Act =
  | { act: 'sign_in'; person?: string; scopes?: readonly string[] }
  | { act: 'sign_out' | 'expire' | 'revoke' | 'break_signature' | 'renew' | 'minute_token'; person: string }
  | { act: 'drop_scope'; person: string; scope: string }
  | { act: 'widen'; person: string; scopes: readonly string[] }
  | { act: 'connect' | 'disconnect'; person: string; provider: string; scopes?: readonly string[] }
  | { act: 'save'; call: Omit<SavedCall, 'last'> }
  | { act: 'remove' | 'run'; name: string }
  | { act: 'doctor' | 'clear' }
  | { act: 'stage'; html: string; csp: unknown; permissions?: unknown };

export interface Done {
  /** A page that a person has to open. */
  readonly open?: string;
  readonly token?: string;
  readonly url?: string;
  readonly checks?: readonly Check[];
  readonly say?: string;
}

export interface Sent {
  readonly person: string | null;
  readonly era: string;
  /** The JSON-RPC message, as it is. */
  readonly body: string;
  readonly headers?: Headers;
}

/** What goes wrong between the page and its server, in words. */
export class ApiError extends Error {}

const HEADER = 'toolgate-inspector';
const ROOT = 'api';
const SIGNED_OUT = 'This page is no longer signed in: open the link that the server printed when it started.';

async function ask(path: string, body?: string): Promise<string> {
  const init: RequestInit = { headers: { [HEADER]: '1' }, credentials: 'same-origin', cache: 'no-store' };
  if (body !== undefined) Object.assign(init, { method: 'POST', body, headers: { [HEADER]: '1', 'content-type': 'application/json' } });
  let response: Response;
  try {
    response = await fetch(`${ROOT}/${path}`, init);
  } catch {
    throw new ApiError('The server does not answer.');
  }
  const text = await response.text();
  if (response.status === 401) throw new ApiError(SIGNED_OUT);
  if (!response.ok) throw new ApiError(text.trim() || `The server answered ${response.status}.`);
  return text;
}

/** The tools keep their numbers; the rest is for computing. */
export function readState(text: string): State {
  const { value, fault } = parse(text);
  if (fault) throw new ApiError(`The server's answer is not JSON: ${fault.message}.`);
  const state = plain(value) as Omit<State, 'tools' | 'previous'> & { tools: Tool[]; previous?: { at: number; tools: Tool[] } };
  const exact = (tools: Json | undefined, plain: readonly Tool[]) => (Array.isArray(tools) ? plain.map((tool, index) => ({ ...tool, definition: member(tools[index], 'definition') ?? new JsonObject() })) : []);
  const previous = state.previous && { ...state.previous, tools: exact(member(member(value, 'previous'), 'tools'), state.previous.tools) };
  return { ...state, tools: exact(member(value, 'tools'), state.tools), ...(previous ? { previous } : {}) };
}

export const loadState = async () => readState(await ask('state'));
export const act = async (what: Act) => JSON.parse(await ask('act', JSON.stringify(what))) as Done;

/** Sends a message of the protocol as a person. The server adds the token; the page never has it. */
export async function send({ body, ...rest }: Sent): Promise<Exchange> {
  return JSON.parse(await ask('send', JSON.stringify({ ...rest, body }))) as Exchange;
}

export interface Stream {
  /** The first event of a connection: when the server was started. */
  readonly hello: (started_at: number) => void;
  readonly trace: (event: TraceEvent) => void;
  readonly values: (values: TraceValues) => void;
  readonly exchange: (exchange: Exchange) => void;
  readonly widget: (note: WidgetNote) => void;
  readonly state: () => void;
  readonly build: (build: Build) => void;
  readonly reload: (reload: Reload) => void;
  readonly connected: (connected: boolean) => void;
  readonly failed: (error: unknown) => void;
}

export interface WidgetNote {
  readonly kind: 'csp';
  readonly directive: string;
  readonly blocked: string;
}

/** The events of the server, from those that it still has. A connection that ends is made again. */
export function listen(to: Stream): () => void {
  const stop = new AbortController();
  let last = '';
  const take = ({ event, data, id }: ServerEvent) => {
    if (id) last = id;
    if (event === 'hello') to.hello((JSON.parse(data) as { started_at: number }).started_at);
    else if (event === 'trace') to.trace(readEvent(data));
    else if (event === 'values') to.values(JSON.parse(data) as TraceValues);
    else if (event === 'exchange') to.exchange(JSON.parse(data) as Exchange);
    else if (event === 'widget') to.widget(JSON.parse(data) as WidgetNote);
    else if (event === 'state') to.state();
    else if (event === 'build') to.build(JSON.parse(data) as Build);
    else if (event === 'reload') to.reload(JSON.parse(data) as Reload);
  };
  const run = async () => {
    for (let pause = 250; !stop.signal.aborted; pause = Math.min(pause * 2, 5000)) {
      try {
        const headers: Record<string, string> = { [HEADER]: '1', ...(last ? { 'last-event-id': last } : {}) };
        const response = await fetch(`${ROOT}/events`, { headers, credentials: 'same-origin', cache: 'no-store', signal: stop.signal });
        if (response.status === 401) to.failed(new ApiError(SIGNED_OUT));
        if (response.ok && response.body) {
          to.connected(true);
          pause = 250;
          await readEvents(response.body, take);
        }
      } catch (error) {
        // A connection that breaks is made again; a fault of the page is shown.
        if (!stop.signal.aborted && !(error instanceof TypeError && /fetch|network|load|stream/i.test(error.message))) to.failed(error);
      }
      if (stop.signal.aborted) return;
      to.connected(false);
      await new Promise((done) => setTimeout(done, pause));
    }
  };
  void run();
  return () => stop.abort();
}
