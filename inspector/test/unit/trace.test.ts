import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { schemaWords } from '../../src/form/schema.ts';
import type { Exchange, State } from '../../src/api.ts';
import { parseEvent, readEvents, type ServerEvent } from '../../src/sse.ts';
import { readEvent, type TraceEvent } from '../../src/trace/events.ts';
import { reactionsTo } from '../../src/trace/hosts.ts';
import { headerVerdicts, mask } from '../../src/trace/log_check.ts';
import { protocolCard } from '../../src/trace/protocol_errors.ts';
import { KNOWN_REASONS, cardOf } from '../../src/trace/refusal.ts';
import { Log, MAX_LOG_BYTES, MAX_LOG_ENTRIES, MAX_SPANS, Trace } from '../../src/trace/store.ts';
import { TOKEN_CHECKS } from '../../src/trace/token_refusals.ts';
import { clock, scaleOf, storyOf } from '../../src/trace/story.ts';
import { KNOWN_EVENTS, duration, lineOf } from '../../src/trace/words.ts';
import { REFUSALS, connects, ended, good, lacks, refreshed, signIn, span, unconnected } from '../fixture/stories.mjs';

type Told = [at: number, span: string, event: string, members: object, parent?: string];

/** A trace of stories, each at its time in milliseconds. */
function traceOf(...stories: [at: number, story: Told[]][]): Trace {
  const trace = new Trace();
  let id = 0;
  const all = stories.flatMap(([shift, story]) => story.map(([at, span, event, members, parent]) => ({ at: shift + at, span, event, members, parent })));
  for (const { at, span, event, members, parent } of all.sort((one, other) => one.at - other.at)) trace.add({ id: ++id, span, parent: parent ?? null, at_us: at * 1000, event, ...members } as TraceEvent);
  return trace;
}

const state = { server: { development: true, access: 'dev' } } as State;
const one = (event: string, members: object): TraceEvent => ({ id: 1, span: 'a', parent: null, at_us: 0, event, ...members }) as TraceEvent;

test('the hint of a verifier says what to do', () => {
  const refused = { check: 'audience', code: 'invalid_token', found: ['account'], expected: 'https://tools.example/mcp', status: 401 };
  const card = (members: object) => cardOf({ state, person: 'alice', events: [one('token_refused', { ...refused, ...members })] })!;
  assert.match(card({ hint: 'in Keycloak, add an audience mapper' }).todo!, /^in Keycloak/);
  assert.ok(card({}).todo, 'without one, what helps at any issuer');
});

test('20 kinds of refusal and more each have a card with what was found and expected', () => {
  const cards = Object.entries(REFUSALS as Record<string, [[string, object], number, ...string[]]>).map(([name, [[event, members], , ...words]]) => {
    const events = [readEvent(JSON.stringify(one(event, members)))];
    if (event === 'consent_needed' || event === 'upstream_request' || event === 'refresh_failed') events.push(one('call_ended', { tool: 'open_issue', outcome: 'failed' }));
    const card = cardOf({ state, person: 'alice', events });
    assert.ok(card, name);
    const text = JSON.stringify({ ...card, hosts: [] });
    for (const word of words) assert.ok(text.includes(word), `${name}: “${word}” is not in ${text}`);
    assert.ok(card.found && card.expected && card.check, name);
    assert.equal(card.hosts.length, 4, name);
    assert.doesNotMatch(text, /undefined|null|NaN|\[object/, name);
    return card.kind;
  });
  assert.ok(new Set(cards).size >= 20, `${new Set(cards).size} kinds`);
});

test('a missing scope names the tool, what is held, and a button that widens', () => {
  const id = span();
  const trace = traceOf([0, lacks(id, 'open_issue', 'alice', ['repo:read'], 'repo:write') as Told[]]);
  const card = cardOf({ state, person: 'alice', events: trace.span(id)!.events })!;
  assert.deepEqual([card.found, card.expected, card.answer], ['repo:read', 'repo:write', '403, insufficient_scope, for alice']);
  assert.match(card.by!, /open_issue declares repo:write/);
  assert.deepEqual(card.mend, { label: 'Allow repo:write for alice', act: { act: 'widen', person: 'alice', scopes: ['repo:write'] } });
  assert.equal(cardOf({ state: { server: { development: false, access: 'outside' } } as State, person: 'alice', events: trace.span(id)!.events })!.mend, undefined, 'only in development');
  const done = span();
  assert.equal(cardOf({ state, person: 'alice', events: traceOf([0, good(done, 'list_issues', 'alice', ['repo:read'], 'repo:read') as Told[]]).span(done)!.events }), undefined);
});

test('what hosts do follows from the form of the answer', () => {
  assert.deepEqual(reactionsTo('step_up').map(({ host, goes_on }) => [host, goes_on]), [['Claude', true], ['ChatGPT', false], ['Cursor', false], ['VS Code', true]]);
  assert.ok(reactionsTo('result_challenge').find(({ host }) => host === 'ChatGPT')!.goes_on);
});

test('both legs of a consent are one story, with the call that went on from it', () => {
  const [call, consent, again] = [span(), span(), span()];
  const trace = traceOf([0, unconnected(call, consent, 'list_issues', 'bob', ['repo:read'], 'repo:read', 'input_required') as Told[]], [900, connects(consent, call, 'repo:read') as Told[]], [3200, good(again, 'list_issues', 'bob', ['repo:read'], 'repo:read') as Told[]]);
  const story = storyOf(trace, call)!;
  assert.deepEqual([...new Set(story.rows.map(({ leg }) => leg))].sort(), ['host', 'person', 'provider']);
  const titles = story.rows.map(({ title }) => title);
  for (const title of ['forge is needed', 'Link opened', 'Back with a code', 'Code exchanged for a token', 'forge is connected', 'list_issues answered']) assert.ok(titles.includes(title), title);
  assert.ok(story.rows.every((row, index, rows) => !index || rows[index - 1]!.at <= row.at));
  assert.ok(story.bars.some(({ kind }) => kind === 'consent') && story.bars.some(({ kind }) => kind === 'upstream'));
  assert.doesNotMatch(JSON.stringify(story.rows), /undefined|NaN/);
});

test('a host’s way to its token is what was before its call', () => {
  const call = span();
  const story = storyOf(traceOf([0, signIn('Claude Code', 'alice', ['repo:read'], '5a01000000000001') as Told[]], [4000, good(call, 'list_issues', 'alice', ['repo:read'], 'repo:read') as Told[]]), call)!;
  assert.deepEqual(story.before.map(({ title }) => title), ['POST /mcp', 'No token', 'Challenge sent', 'Read where to sign in', 'Read how to sign in', 'Claude Code registered', 'Sign-in begins', 'The person is asked', 'The person allowed it', 'Code sent to the host', 'Token issued']);
  assert.equal(story.before[0]!.at, 0);
  assert.ok(story.earlier > 3900);
});

test('a refresh with 50 calls is one line, and says who waited for whom', () => {
  const { calls, refresh, events } = refreshed(49, 'alice');
  const trace = traceOf([0, events as Told[]]);
  const waiting = storyOf(trace, calls[30]!)!;
  const done = waiting.rows.filter(({ title }) => title === 'Token refreshed');
  assert.equal(done.length, 1);
  assert.equal(done[0]!.waiters!.length, 49);
  assert.match(done[0]!.detail!, /49 calls waited for it, one request was sent/);
  assert.equal(waiting.rows.find(({ holder }) => holder)!.holder, calls[0]);
  assert.equal(waiting.bars.filter(({ kind }) => kind === 'wait').length, 1);
  assert.equal(trace.span(refresh)!.parent, calls[0]);
  assert.ok(!storyOf(trace, calls[0]!)!.rows.some(({ title }) => title.startsWith('Waits')), 'the first one waits for nobody');
});

test('every event has words, and one that is not known as well', () => {
  const { events } = refreshed(2, 'alice');
  for (const [, span, event, members] of [...events, ...(signIn('x', 'alice', ['a'], '1') as Told[])] as Told[]) {
    const line = lineOf({ id: 1, span, parent: null, at_us: 0, event, ...members } as TraceEvent);
    assert.ok(line.title && !/undefined|null|NaN|_/.test(line.title.replaceAll(/list_issues|tg_8f21/g, '')), `${event}: ${line.title}`);
  }
  assert.equal(lineOf(one('something_new', { reason: 'a_reason' })).title, 'something new');
  assert.equal(lineOf(one('upstream_request', { method: 'get', path: '/a', status: 500, ms: 3, provider: 'forge' })).tone, 'bad');
  assert.equal(lineOf(one('code_exchanged', { outcome: 'done', ms: 0 })).aside, 'under 1 ms');
  assert.equal(lineOf(one('call_ended', ended(0, 'a', 'x', 'alice', 'left', 3)[3] as object)).title, 'The host left');
});

const rust = new URL('../../../runtime/src/trace/', import.meta.url);

test('every event and every reason of the server has words of its own', { skip: !existsSync(rust) }, () => {
  const snake = (name: string) => name.replaceAll(/(?<!^)([A-Z])/g, '_$1').toLowerCase();
  const source = ['kind.rs', 'reason/request.rs', 'reason/consent.rs', '../error/violation.rs'].map((name) => readFileSync(new URL(name, rust), 'utf8')).join('\n');
  // Those that are measured and not shown do not come to the page.
  const log = readFileSync(new URL('../inspector/event_log.rs', rust), 'utf8');
  const kept = [.../matches!\(\s*event\.kind,([^)]*)\)/.exec(log)![1]!.matchAll(/EventKind::(\w+)/g)].map(([, name]) => snake(name!));
  const all = [.../\nkinds! \{([^]*?)\n\}/.exec(source)![1]!.matchAll(/^    ([A-Z]\w+) \{/gm)].map(([, name]) => snake(name!));
  const kinds = all.filter((kind) => !kept.includes(kind));
  assert.ok(kinds.length > 30, `${kinds.length} events`);
  assert.deepEqual(kinds.filter((kind) => !KNOWN_EVENTS.includes(kind)), [], 'events without words');
  assert.deepEqual(KNOWN_EVENTS.filter((kind) => !kinds.includes(kind)), [], 'words for events that there are not');
  const variants = (name: string) => [...new RegExp(`(?:^|\\s)${name} \\{([^}]*)\\n *\\}`).exec(source)![1]!.matchAll(/^\s*([A-Z]\w+),/gm)].map(([, variant]) => snake(variant!));
  const check = (name: string, known: readonly string[], rest: readonly string[] = []) => assert.deepEqual(variants(name).filter((variant) => !known.includes(variant) && !rest.includes(variant)), [], name);
  check('TokenCheck', TOKEN_CHECKS, ['other']);
  check('RequestRefusal', KNOWN_REASONS.requests);
  check('ConsentFailure', KNOWN_REASONS.failures);
  check('Rule', KNOWN_REASONS.rules);
});

test('a schema is said in a few words, with every digit', () => {
  const words = (text: string) => schemaWords(readEvent(`{"event":"arguments_refused","expected":${text}}`).expected);
  assert.equal(words('{"type":"integer","minimum":0,"maximum":18446744073709551615}'), 'a whole number, 0 to 18446744073709551615');
  assert.equal(words('{"type":["string","null"],"minLength":1}'), 'a text or null, at least 1 character');
  assert.equal(words('{"enum":["a","b",3]}'), 'one of a, b, 3');
  assert.equal(words('null'), undefined);
  assert.equal(words('{}'), undefined);
});

test('the trace is bounded, and an event that comes again is not counted twice', () => {
  const trace = new Trace();
  for (let id = 1; id <= 10_000; id++) trace.add(one('request_received', {}) && ({ id, span: `s${id}`, parent: null, at_us: id, event: 'request_received' } as TraceEvent));
  assert.equal(trace.size, MAX_SPANS);
  assert.equal(trace.requests.length, MAX_SPANS);
  assert.equal(trace.span('s1'), undefined);
  trace.add({ id: 10_000, span: 's10000', parent: null, at_us: 1, event: 'authenticated' });
  assert.equal(trace.span('s10000')!.events.length, 1);
});

test('the log keeps 1000 entries and 8 MiB', () => {
  const exchange = (id: number, size = 10): Exchange => ({ id, span: 'a', at_us: id, peer: 'x', person: 'alice', method: 'POST', path: '/mcp', request_headers: [], request: 'x'.repeat(size), status: 200, response: `answer ${id}` });
  const log = new Log();
  for (let id = 1; id <= 10_000; id++) log.add(exchange(id));
  assert.deepEqual([log.entries.length, log.dropped, log.entries[0]!.id], [MAX_LOG_ENTRIES, 9000, 9001]);
  for (let id = 20_000; id < 20_020; id++) log.add(exchange(id, 1024 * 1024));
  assert.ok(log.bytes <= MAX_LOG_BYTES, `${log.bytes}`);
  assert.ok(log.entries.length >= 7);
  log.add({ ...exchange(20_019), status: 500 });
  assert.equal(log.entries.filter(({ id }) => id === 20_019).length, 1);
  assert.ok(log.bytes > 0);
  assert.deepEqual(log.search('alice 20018').map(({ id }) => id), [20_018]);
  assert.equal(log.search('  ').length, log.entries.length);
});

test('headers are compared with the body', () => {
  const body = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"größe","arguments":{},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}';
  const verdicts = (headers: [string, string][]) => headerVerdicts({ method: 'POST', request: body, request_headers: headers }).map(({ header, agrees }) => [header, agrees]);
  assert.deepEqual(verdicts([['mcp-protocol-version', '2026-07-28'], ['mcp-method', 'tools/call'], ['mcp-name', '=?base64?Z3LDtsOfZQ==?=']]), [['MCP-Protocol-Version', true], ['Mcp-Method', true], ['Mcp-Name', true]]);
  assert.deepEqual(verdicts([['mcp-protocol-version', '2026-07-28'], ['mcp-method', 'tools/list']]), [['MCP-Protocol-Version', true], ['Mcp-Method', false], ['Mcp-Name', false]]);
  assert.deepEqual(verdicts([['mcp-protocol-version', '2025-11-25']]), [['MCP-Protocol-Version', true]]);
});

test('what looks like a secret is masked', () => {
  const secrets = ['Bearer eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2ln', 'DPoP abcdefghijklmnop', '{"access_token":"s3cr3t-s3cr3t"}', 'code=s3cr3t-s3cr3t&state=s3cr3t-s3cr3t', '"requestState":"s3cr3t"'];
  for (const secret of secrets) assert.doesNotMatch(mask(secret), /s3cr3t|abcdefgh|c2ln/, mask(secret));
  assert.equal(mask('Bearer token'), 'Bearer token', 'a word is none');
});

test('server-sent events are read in pieces', async () => {
  const text = ': alive\n\nevent: trace\nid: 7\ndata: {"a":\ndata: 1}\n\nevent: state\r\ndata: {}\r\n\r\ndata: ü\n\ndata: not complete';
  const bytes = new TextEncoder().encode(text);
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  });
  const events: ServerEvent[] = [];
  await readEvents(body, (event) => events.push(event));
  assert.deepEqual(events, [{ event: 'trace', data: '{"a":\n1}', id: '7' }, { event: 'state', data: '{}', id: '' }, { event: 'message', data: 'ü', id: '' }]);
  assert.equal(parseEvent(': a comment'), undefined);
});

test('times and lengths are said shortly', () => {
  assert.deepEqual([0.02, 3.4, 212, 6100, 120_000].map(clock), ['0.02', '3.4', '212', '6.1 s', '2 min']);
  assert.deepEqual([5, 75, 3600, 7260, 200_000].map(duration), ['5 s', '1 min 15 s', '1 h', '2 h 1 min', '2 days']);
  const scale = scaleOf([{ key: '', label: '', kind: 'request', from: 0, to: 1, bad: false }, { key: '', label: '', kind: 'consent', from: 1, to: 60_000, bad: false }]);
  assert.equal(scale(0), 0);
  assert.equal(scale(60_000), 1);
  assert.ok(scale(1) > 0.15, 'what is short is seen next to what is long');
});

test('an error of the protocol is explained by the message and its answer', () => {
  const exchange = { id: 1, span: 'a', at_us: 0, peer: 'a-host', person: null, method: 'POST', path: '/mcp', request_headers: [['mcp-protocol-version', '2026-07-28'], ['mcp-method', 'tools/call'], ['mcp-name', 'other']], request: '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"open","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}', status: 400, response: '{"error":{"code":-32022,"data":{"supported":["2026-07-28","2025-11-25"]}}}' } as unknown as Exchange;
  const known = { server: { eras: ['2026-07-28'] }, tools: Array.from({ length: 10 }, (_, index) => ({ name: `tool_${index}` })) } as unknown as State;
  const card = (code: number, more: object = {}, ...without: [undefined?]) => protocolCard({ ...exchange, ...more }, { code, message: 'as it is' }, without.length ? undefined : known);
  assert.deepEqual([card(-32022).kind, card(-32022).expected], ['protocol_version', '2026-07-28, 2025-11-25']);
  assert.equal(card(-32022, { response: '{}' }).expected, '2026-07-28');
  assert.match(card(-32020).found!, /Mcp-Name is other; the body has open/);
  assert.match(card(-32602, { status: 200 }).expected!, /tool_7 or 2 more$/);
  assert.equal(card(-32602, { status: 200 }, undefined).kind, 'protocol_-32602');
  assert.equal(card(-32601, { request: '{"method":"a/b"}', request_headers: [] }).kind, 'unknown_method');
  assert.deepEqual([card(-32700, { request: '{' }).kind, card(-32700, { request: '{' }).found], ['not_json', 'as it is']);
  assert.equal(card(-32603).kind, 'protocol_headers');
  assert.equal(card(-32603, { status: 500, request: '{}', request_headers: [] }).kind, 'protocol_-32603');
});

test('calls that run at once may overtake each other, and nothing is lost or counted twice', () => {
  const trace = new Trace();
  const event = (id: number, span: string, event: string) => ({ id, span, parent: null, at_us: id, event }) as TraceEvent;
  for (const [id, span, kind] of [[1, 'a', 'request_received'], [4, 'b', 'request_received'], [2, 'a', 'tool_called'], [5, 'b', 'call_ended'], [3, 'a', 'call_ended']] as const) trace.add(event(id, span, kind));
  assert.deepEqual(trace.span('a')!.events.map(({ id }) => id), [1, 2, 3]);
  for (const id of [1, 2, 3]) trace.add(event(id, 'a', 'call_ended'));
  assert.deepEqual([trace.span('a')!.total, trace.span('b')!.total, trace.requests.length], [3, 2, 2]);
});
