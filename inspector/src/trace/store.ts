// What the page keeps of the server's events, and the bounds on it.
import type { Exchange } from '../api.ts';
import type { TraceEvent, TraceValues } from './events.ts';

export const MAX_LOG_ENTRIES = 1000;
export const MAX_LOG_BYTES = 8 * 1024 * 1024;
export const MAX_SPANS = 2000;
export const MAX_SPAN_EVENTS = 200;

export interface Span {
  readonly id: string;
  readonly parent: string | null;
  readonly events: TraceEvent[];
  /** How many events there were, of which the first are kept. */
  total: number;
  /** The number of the last one. */
  last: number;
  values: { arguments?: unknown; result?: unknown };
}

const size = (exchange: Exchange) => exchange.request.length + (exchange.response?.length ?? 0) + 512;

/** A list of exchanges that forgets the oldest. One that comes again, with its answer, takes its place. */
export class Log {
  #entries: Exchange[] = [];
  #texts = new WeakMap<Exchange, string>();
  #bytes = 0;
  /** How many were forgotten. */
  dropped = 0;

  get entries(): readonly Exchange[] {
    return this.#entries;
  }

  get bytes(): number {
    return this.#bytes;
  }

  clear(): void {
    this.#entries = [];
    this.#bytes = 0;
    this.dropped = 0;
  }

  add(exchange: Exchange): void {
    // Nearly all are new: their numbers grow.
    const at = exchange.id > (this.#entries.at(-1)?.id ?? -1) ? -1 : this.#entries.findLastIndex((known) => known.id === exchange.id);
    if (at >= 0) {
      this.#bytes += size(exchange) - size(this.#entries[at]!);
      this.#entries[at] = exchange;
    } else {
      this.#entries.push(exchange);
      this.#bytes += size(exchange);
    }
    let over = Math.max(0, this.#entries.length - MAX_LOG_ENTRIES);
    let bytes = this.#bytes;
    for (let index = 0; index < over; index++) bytes -= size(this.#entries[index]!);
    while (bytes > MAX_LOG_BYTES && over < this.#entries.length) bytes -= size(this.#entries[over++]!);
    if (over) {
      this.#entries.splice(0, over);
      this.#bytes = bytes;
      this.dropped += over;
    }
  }

  #text(entry: Exchange): string {
    let text = this.#texts.get(entry);
    if (text === undefined) {
      text = `${entry.method} ${entry.path} ${entry.status ?? ''} ${entry.peer} ${entry.person ?? ''} ${entry.request} ${entry.response ?? ''}`.toLowerCase();
      this.#texts.set(entry, text);
    }
    return text;
  }

  /** Those that have all words. It is a list of its own, so that a change of the log is seen by who compares. */
  search(words: string): readonly Exchange[] {
    const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
    return wanted.length ? this.#entries.filter((entry) => wanted.every((word) => this.#text(entry).includes(word))) : [...this.#entries];
  }
}

/** Spans with their events, in order of their beginning. */
export class Trace {
  #spans = new Map<string, Span>();
  #children = new Map<string, Set<string>>();
  #requests: string[] = [];
  #waiting = new Map<string, string[]>();
  /** The last event of those spans that were forgotten. */
  #forgotten = 0;

  add(event: TraceEvent): void {
    let span = this.#spans.get(event.span);
    // A connection that is made again repeats what is known. Those of one span come in order; those of calls that run at
    // once may overtake each other.
    if (event.id <= (span?.last ?? this.#forgotten)) return;
    if (!span) {
      span = { id: event.span, parent: event.parent, events: [], total: 0, last: 0, values: {} };
      this.#spans.set(event.span, span);
      if (event.parent) this.#link(event.parent, event.span);
      if (event.event === 'request_received' || event.event === 'message_read') this.#requests.push(event.span);
      this.#forget();
    }
    span.total += 1;
    span.last = event.id;
    if (span.events.length < MAX_SPAN_EVENTS) span.events.push(event);
    if (event.event === 'refresh_joined' && event.refresh) {
      const known = this.#waiting.get(event.refresh);
      if (known) known.push(event.span);
      else this.#waiting.set(event.refresh, [event.span]);
    }
    for (const linked of [event.consent, event.refresh, event.step_up]) if (linked) this.#link(event.span, linked);
  }

  clear(): void {
    this.#spans.clear();
    this.#children.clear();
    this.#waiting.clear();
    this.#requests = [];
    this.#forgotten = 0;
  }

  addValues({ span, values, json }: TraceValues): void {
    const known = this.#spans.get(span);
    if (known) known.values[values] = json;
  }

  #link(from: string, to: string): void {
    const children = this.#children.get(from);
    if (children) children.add(to);
    else this.#children.set(from, new Set([to]));
  }

  #forget(): void {
    while (this.#spans.size > MAX_SPANS) {
      const oldest = this.#spans.keys().next().value!;
      this.#forgotten = Math.max(this.#forgotten, this.#spans.get(oldest)!.last);
      this.#spans.delete(oldest);
      this.#children.delete(oldest);
      this.#waiting.delete(oldest);
      if (this.#requests[0] === oldest) this.#requests.shift();
    }
  }

  /** The calls that wait for a refresh, or waited. */
  waiting(refresh: string): readonly string[] {
    return this.#waiting.get(refresh) ?? [];
  }

  get size(): number {
    return this.#spans.size;
  }

  span(id: string): Span | undefined {
    return this.#spans.get(id);
  }

  get requests(): readonly string[] {
    return this.#requests;
  }

  spans(): IterableIterator<Span> {
    return this.#spans.values();
  }

  /** The spans that a span caused or waited for, and theirs. */
  below(id: string): Span[] {
    const seen = new Set<string>([id]);
    for (const at of seen) for (const child of this.#children.get(at) ?? []) seen.add(child);
    seen.delete(id);
    return [...seen].map((one) => this.#spans.get(one)).filter((span) => span !== undefined);
  }
}
