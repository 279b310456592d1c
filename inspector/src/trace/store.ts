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
  values: { arguments?: unknown; result?: unknown };
}

const size = (exchange: Exchange) => exchange.request.length + (exchange.response?.length ?? 0) + 512;

/** A list of exchanges that forgets the oldest. One that comes again, with its answer, takes its place. */
export class Log {
  #entries: (Exchange & { readonly searchable: string })[] = [];
  #bytes = 0;
  /** How many were forgotten. */
  dropped = 0;

  get entries(): readonly (Exchange & { readonly searchable: string })[] {
    return this.#entries;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(exchange: Exchange): void {
    const entry = { ...exchange, searchable: `${exchange.method} ${exchange.path} ${exchange.status ?? ''} ${exchange.peer} ${exchange.person ?? ''} ${exchange.request} ${exchange.response ?? ''}`.toLowerCase() };
    const at = this.#entries.findLastIndex((known) => known.id === exchange.id);
    if (at >= 0) {
      this.#bytes += size(exchange) - size(this.#entries[at]!);
      this.#entries[at] = entry;
    } else {
      this.#entries.push(entry);
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

  search(words: string): readonly Exchange[] {
    const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
    return wanted.length ? this.#entries.filter(({ searchable }) => wanted.every((word) => searchable.includes(word))) : this.#entries;
  }
}

/** Spans with their events, in order of their beginning. */
export class Trace {
  #spans = new Map<string, Span>();
  #children = new Map<string, Set<string>>();
  #requests: string[] = [];
  last = 0;

  add(event: TraceEvent): void {
    // A connection that is made again repeats what is known.
    if (event.id <= this.last) return;
    this.last = event.id;
    let span = this.#spans.get(event.span);
    if (!span) {
      span = { id: event.span, parent: event.parent, events: [], total: 0, values: {} };
      this.#spans.set(event.span, span);
      for (const cause of [event.parent]) if (cause) this.#link(cause, event.span);
      if (event.event === 'request_received' || event.event === 'message_read') this.#requests.push(event.span);
      this.#forget();
    }
    span.total += 1;
    if (span.events.length < MAX_SPAN_EVENTS) span.events.push(event);
    for (const linked of [event.consent, event.refresh, event.step_up]) if (linked) this.#link(event.span, linked);
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
      this.#spans.delete(oldest);
      this.#children.delete(oldest);
      if (this.#requests[0] === oldest) this.#requests.shift();
    }
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
