// The whole story of one call: what came before it, what it caused, and the calls that went on from it.
import type { TraceEvent } from './events.ts';
import type { Span, Trace } from './store.ts';
import { lineOf, type Line } from './words.ts';

export interface Row extends Line {
  readonly key: number;
  readonly span: string;
  /** Milliseconds since the call began; negative before it. */
  readonly at: number;
  readonly strong: boolean;
  readonly waiters?: readonly string[];
  /** The span of the call that this one waits for. */
  readonly holder?: string;
}

export interface Bar {
  readonly key: string;
  readonly label: string;
  readonly kind: 'request' | 'wait' | 'consent' | 'refresh' | 'upstream' | 'sign_in';
  readonly from: number;
  readonly to: number;
  readonly bad: boolean;
}

export interface Story {
  readonly root: Span;
  readonly before: readonly Row[];
  /** Milliseconds from the beginning of what was before to the call. */
  readonly earlier: number;
  readonly rows: readonly Row[];
  readonly bars: readonly Bar[];
  readonly tool?: string;
  readonly subject?: string;
  readonly ms?: number;
  readonly ended: boolean;
}

const MAX_BEFORE_US = 120_000_000;
const MAX_FOLLOWERS = 6;
const has = (span: Span, kind: string) => span.events.find((event) => event.event === kind);

export function storyOf(trace: Trace, id: string): Story | undefined {
  const root = trace.span(id);
  if (!root?.events.length) return undefined;
  const start = root.events[0]!.at_us;
  const spans = [root, ...trace.below(id), ...followers(trace, root)];
  const all = [...new Set(spans.flatMap((span) => [span, ...trace.below(span.id)]))];
  const rows = rowsOf(all, start, trace);
  const lead = preface(trace, root).filter((span) => !all.includes(span));
  const leadStart = Math.min(...lead.map((span) => span.events[0]!.at_us));
  const before = rowsOf(lead, leadStart, trace);
  const read = root.events.find((event) => event.tool)?.tool;
  const subject = has(root, 'authenticated')?.caller?.subject ?? has(root, 'call_ended')?.caller?.subject;
  const ended = has(root, 'call_ended');
  return {
    root, before, earlier: lead.length ? (start - leadStart) / 1000 : 0, rows, bars: barsOf(all, start, trace), ended: ended !== undefined || root.events.some((event) => event.event === 'challenged'),
    ...(read ? { tool: read } : {}), ...(subject ? { subject } : {}), ...(ended?.ms === undefined ? {} : { ms: ended.ms }),
  };
}

/** The same call again, after a refusal, until it is answered. */
function followers(trace: Trace, root: Span): Span[] {
  const tool = root.events.find((event) => event.tool)?.tool;
  const refused = (span: Span) => span.events.some((event) => (event.event === 'call_ended' && event.outcome !== 'done') || event.event === 'challenged');
  if (!tool || !refused(root)) return [];
  const subject = has(root, 'authenticated')?.caller?.subject;
  const found: Span[] = [];
  for (const id of trace.requests) {
    const span = trace.span(id);
    if (!span || span.events[0]!.at_us <= root.events[0]!.at_us || span === root) continue;
    if (span.events.find((event) => event.tool)?.tool !== tool) continue;
    if (subject !== undefined && has(span, 'authenticated')?.caller?.subject !== subject) continue;
    found.push(span);
    if (!refused(span) || found.length >= MAX_FOLLOWERS) break;
  }
  return found;
}

/** How the host got its token: the refused request, what it read, its registration, the sign-in. */
function preface(trace: Trace, root: Span): Span[] {
  const signIn = has(root, 'authenticated')?.sign_in;
  if (!signIn) return [];
  const authorization = [...trace.spans()].findLast((span) => span.events.some((event) => event.event === 'tokens_issued' && event.sign_in === signIn && event.grant_type !== 'refresh_token'));
  const begun = authorization?.events[0]?.at_us;
  if (authorization === undefined || begun === undefined) return [];
  const leads = [...trace.spans()].filter((span) => {
    const first = span.events[0]!;
    if (first.at_us > begun || first.at_us < begun - MAX_BEFORE_US || has(span, 'authenticated')) return false;
    return span.events.some(({ event, status }) => ['metadata_read', 'client_registered', 'document_fetched', 'registration_refused'].includes(event) || (event === 'challenged' && status === 401));
  });
  return [...leads, authorization, ...trace.below(authorization.id)];
}

function rowsOf(spans: readonly Span[], start: number, trace: Trace): Row[] {
  const events = spans.flatMap((span) => span.events).sort((one, other) => one.at_us - other.at_us || one.id - other.id);
  return events.filter((event) => !isNoise(event, events)).map((event) => {
    const waits = event.event === 'refresh_done' || event.event === 'refresh_failed' ? trace.waiting(event.span) : undefined;
    const holder = event.event === 'refresh_joined' && event.refresh ? trace.span(event.refresh)?.parent : undefined;
    const line = lineOf(event);
    return { ...line, key: event.id, span: event.span, at: (event.at_us - start) / 1000, strong: line.tone === 'bad', ...(waits?.length ? { waiters: waits } : {}), ...(holder ? { holder } : {}) };
  });
}

/** What another line of the same request says already. */
function isNoise(event: TraceEvent, events: readonly TraceEvent[]): boolean {
  if (event.event === 'message_read') return events.some((other) => other.span === event.span && other.event === 'tool_called');
  return false;
}

function barsOf(spans: readonly Span[], start: number, trace: Trace): Bar[] {
  const bars: Bar[] = [];
  const ms = (at: number) => (at - start) / 1000;
  for (const span of spans) {
    const first = span.events[0]!;
    const last = span.events.at(-1)!;
    const bad = span.events.some((event) => lineOf(event).tone === 'bad');
    const bar = (kind: Bar['kind'], label: string, from = first.at_us, to = last.at_us, isBad = bad) => bars.push({ key: `${span.id}-${bars.length}`, kind, label, from: ms(from), to: Math.max(ms(to), ms(from)), bad: isBad });
    if (first.event === 'refresh_begun') bar('refresh', trace.waiting(span.id).length ? `refresh, ${trace.waiting(span.id).length} waited` : 'refresh');
    else if (first.event === 'link_made') bar('consent', `consent at ${first.provider}`);
    else if (first.event === 'authorization_begun' || span.events.some((event) => event.event === 'step_up_decided')) bar('sign_in', 'sign-in');
    else bar('request', span.events.find((event) => event.tool)?.tool ?? first.event.replaceAll('_', ' '));
    span.events.forEach((event, index) => {
      if (event.event === 'upstream_request') bar('upstream', `${(event.method ?? '').toUpperCase()} ${event.path}`, event.at_us - (event.ms ?? 0) * 1000, event.at_us, (event.status ?? 0) >= 400 || !!event.failure);
      if (event.event === 'refresh_joined') bar('wait', 'waits', event.at_us, span.events[index + 1]?.at_us ?? event.at_us, false);
    });
  }
  return bars.sort((one, other) => one.from - other.from || other.to - one.to);
}

/** A scale on which long silences are short: from 0 to 1, in the order of time. */
export function scaleOf(bars: readonly Bar[]): (at: number) => number {
  const points = [...new Set(bars.flatMap(({ from, to }) => [from, to]))].sort((one, other) => one - other);
  const steps = points.slice(1).map((point, index) => Math.log1p((point - points[index]!) * 20));
  const whole = steps.reduce((sum, step) => sum + step, 0) || 1;
  const places = new Map<number, number>();
  let sum = 0;
  points.forEach((point, index) => {
    places.set(point, sum / whole);
    sum += steps[index] ?? 0;
  });
  return (at) => places.get(at) ?? 0;
}

/** A time as the trace shows it. */
export function clock(at: number): string {
  const size = Math.abs(at);
  if (size < 1) return `${at.toFixed(2)}`;
  if (size < 1000) return `${at.toFixed(size < 10 ? 1 : 0)}`;
  return size < 60_000 ? `${(at / 1000).toFixed(1)} s` : `${Math.round(at / 60_000)} min`;
}
