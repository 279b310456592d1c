import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readState, type Exchange, type State, type Tool } from '../../src/api.ts';
import { asCurl, asRust, asTypeScript, rustJson, rustText, shellWord } from '../../src/call/copy_as.ts';
import { answerOf, bodyOf, headersOf } from '../../src/call/message.ts';
import { compact } from '../../src/json/print.ts';
import { parse } from '../../src/json/parse.ts';
import { JsonObject, member } from '../../src/json/value.ts';
import { changesOf, diff } from '../../src/page/changes.ts';
import { recordOf } from '../../src/page/record.ts';
import { Log, Trace } from '../../src/trace/store.ts';
import { previous, tools } from '../fixture/tools.mjs';

const exactTools = (list: { definition: unknown }[]): Tool[] => list.map((tool) => ({ ...(tool as unknown as Tool), definition: parse(JSON.stringify(tool.definition)).value! }));
const state = { server: { name: 'quickstart', url: 'http://127.0.0.1:8765/mcp', access: 'dev', version: '1', eras: ['2026-07-28'] }, tools: [] as Tool[] } as unknown as State;
const tool = exactTools(tools).find(({ name }) => name === 'open_issue')!;

test('the arguments are in the message as they were typed', () => {
  const given = '{"id": 18446744073709551615, "x": 0.10}';
  const body = bodyOf({ method: 'tools/call', name: 'a"b', arguments: given, era: '2026-07-28', id: 3, meta: '{"own":{"deep":[1,null]}}' });
  assert.ok(body.includes(`"arguments":${given}`));
  const message = JSON.parse(body) as { params: { name: string; _meta: Record<string, unknown> } };
  assert.equal(message.params.name, 'a"b');
  assert.deepEqual(message.params._meta['own'], { deep: [1, null] });
  assert.equal(message.params._meta['io.modelcontextprotocol/protocolVersion'], '2026-07-28');
  assert.equal(bodyOf({ method: 'tools/call', name: 'a', arguments: '{}', era: '2025-11-25', id: 1 }), '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{}}}');
  const broken = JSON.parse(bodyOf({ method: 'tools/call', name: 'a', arguments: '{}', era: '2026-07-28', id: 1, meta: '{"io.modelcontextprotocol/protocolVersion":"1999"}' })) as typeof message;
  assert.equal(broken.params._meta['io.modelcontextprotocol/protocolVersion'], '1999', 'what is written by hand wins');
  assert.deepEqual(headersOf({ method: 'tools/call', name: 'größe', era: '2026-07-28' }).at(-1), ['mcp-name', '=?base64?Z3LDtsOfZQ==?=']);
  assert.equal(headersOf({ method: 'tools/call', name: 'a', era: '2025-11-25' }).length, 3);
});

test('an answer is a result, a question or a refusal, as JSON and as events', () => {
  const ok = '{"jsonrpc":"2.0","id":1,"result":{"content":[],"structuredContent":{"n":9007199254740993}}}';
  assert.equal(answerOf(200, ok).kind, 'result');
  assert.equal(compact(member(member(answerOf(200, `event: message\ndata: {"jsonrpc":"2.0","method":"notifications/progress"}\n\nid: 1\ndata: ${ok}\n\n`).result, 'structuredContent'), 'n')!), '9007199254740993');
  const asks = answerOf(200, '{"jsonrpc":"2.0","id":1,"result":{"resultType":"input_required","inputRequests":{"forge":{"method":"elicitation/create","params":{"mode":"url","url":"http://a/connect/x","message":"Connect."}},"q":{"method":"elicitation/create","params":{"message":"Which?","requestedSchema":{"type":"object"}}}},"requestState":"s"}}');
  assert.deepEqual([asks.kind, asks.state, asks.asks.map(({ key, mode, url }) => [key, mode, url])], ['asks', 's', [['forge', 'url', 'http://a/connect/x'], ['q', 'form', undefined]]]);
  const legacy = answerOf(200, '{"jsonrpc":"2.0","id":1,"error":{"code":-32042,"message":"m","data":{"elicitations":[{"mode":"url","elicitationId":"1","url":"http://a/connect/x","message":"Connect."}]}}}');
  assert.deepEqual([legacy.kind, legacy.code, legacy.asks[0]!.url], ['asks', -32042, 'http://a/connect/x']);
  assert.equal(answerOf(403, '{"jsonrpc":"2.0","id":1,"error":{"code":-32001,"message":"no"}}').kind, 'refused');
  assert.equal(answerOf(401, '').kind, 'refused');
  assert.equal(answerOf(200, '{"jsonrpc":"2.0","id":1,"result":{"isError":true,"content":[{"type":"text","text":"Open http://127.0.0.1:1/connect/abc-_1 first."}]}}').link, 'http://127.0.0.1:1/connect/abc-_1');
  assert.equal(answerOf(200, '<html>').kind, 'unreadable');
});

test('a call is copied as a command that a shell reads as it is meant', () => {
  assert.equal(shellWord("it's"), String.raw`'it'\''s'`);
  assert.equal(shellWord('a-b_c/d:e'), 'a-b_c/d:e');
  const curl = asCurl('http://127.0.0.1:1/mcp', [['mcp-name', 'a']], '{"a":"it\'s"}', 'tok');
  assert.ok(curl.startsWith('curl -sS http://127.0.0.1:1/mcp \\\n  -H \'authorization: Bearer tok\''));
  assert.ok(curl.endsWith(String.raw`--data-binary '{"a":"it'\''s"}'`));
});

test('a call is copied as a Rust test', () => {
  const copied = { state, tool, person: 'alice', arguments: '{"owner":"alice","repo":"compass","title":"The \\"needle\\""}', era: '2026-07-28' };
  assert.equal(
    asRust(copied),
    `use serde_json::json;
use toolgate::{dev, prelude::*, testing::{Client}};

#[tokio::test]
async fn open_issue_answers() -> Result<()> {
    // The server as \`main\` builds it, but not served.
    // A \`FakeProvider\` stands in for forge: its client is the server's in this test.
    let client = Client::of(server()).await?;
    let client = client.with(dev::token("alice").scopes("repo:write"));
    let answer = client.call("open_issue", json!({ "owner": "alice", "repo": "compass", "title": "The \\"needle\\"" })).await;
    assert!(!answer.is_error(), "{}", answer.text());
    Ok(())
}
`.replace('testing::{Client}', 'testing::Client'),
  );
  const refused = asRust({ ...copied, answer: { status: 403, answer: { kind: 'refused', asks: [] } } });
  assert.match(refused, /open_issue_refused_with_403/);
  assert.match(refused, /assert_eq!\(answer\.status\(\), 403\);/);
  const holds = { ...state, people: [{ id: 'alice', token: { claims: { scope: 'repo:read' } } }] } as unknown as State;
  assert.match(asRust({ ...copied, state: holds, answer: { status: 403, answer: { kind: 'refused', asks: [] } } }), /scopes\("repo:read"\)/, 'it is refused for what the person holds');
  assert.doesNotMatch(asRust({ ...copied, person: null, answer: { status: 401, answer: { kind: 'refused', asks: [] } } }), /dev|scopes|alice"\)/, 'without a token nobody is signed in');
  const broker = asRust({ ...copied, state: { ...state, server: { ...state.server, access: 'broker' } } });
  assert.match(broker, /let person = client\.person\("alice"\);\n    let client = client\.sign_in\(&person, "repo:write"\)\.await\?;/);
  assert.doesNotMatch(broker, /dev/);
  assert.match(asRust({ ...copied, state: { ...state, server: { ...state.server, access: 'open' } } }), /Client::of\(server\(\)\)\.await\?;\n    let answer/);
});

test('numbers that the macro would change are read from a text', () => {
  assert.equal(rustJson('{"a":1,"b":[true,null],"c":1.5}', ''), 'json!({ "a": 1, "b": [true, null], "c": 1.5 })');
  assert.match(rustJson('{"a":18446744073709551615}', ''), /from_str::<serde_json::Value>\(r#"\{\n  "a": 18446744073709551615\n\}"#\)/);
  assert.match(rustJson('{"a":18446744073709551615,"b":"\\"#"}', ''), /r##?#?"/);
  assert.match(rustJson('{"a":1,"a":2}', ''), /from_str/);
  assert.equal(rustText('a\n"\\\u0001{'), String.raw`"a\n\"\\\u{1}{"`);
});

test('a call is copied as TypeScript, with a warning where a number would be rounded', () => {
  const copied = { state, tool, person: 'alice', arguments: '{"owner":"alice"}', era: '2026-07-28' };
  assert.match(asTypeScript(copied), /name: "open_issue",\n  arguments: \{\n    "owner": "alice"\n  \},/);
  assert.match(asTypeScript({ ...copied, arguments: '{"a":9007199254740993}' }), /rounds a number/);
});

test('the state keeps every digit of a schema', () => {
  const text = '{"server":{},"people":[],"tools":[{"name":"a","definition":{"inputSchema":{"properties":{"id":{"type":"integer","maximum":18446744073709551615}}}},"scopes":[]}],"templates":[],"hosts":[],"calls":[],"can_save":false,"previous":{"at":1,"tools":[{"name":"a","definition":{"x":9007199254740993},"scopes":[]}]}}';
  const read = readState(text);
  assert.match(compact(read.tools[0]!.definition), /18446744073709551615/);
  assert.equal(compact(read.previous!.tools[0]!.definition), '{"x":9007199254740993}');
  assert.throws(() => readState('<html>'), /not JSON/);
});

test('what changed between two starts, and what breaks by it', () => {
  const changes = changesOf(exactTools(previous), exactTools(tools));
  assert.deepEqual(changes.map(({ tool, kind }) => [tool, kind]), [['list_issues', 'changed'], ['open_issue', 'changed'], ['issue_board', 'added'], ['rename_repository', 'removed']]);
  assert.deepEqual(changes[1]!.parts.map(({ part, breaks }) => [part, breaks]), [['scopes', 'People who signed in before are asked for more.'], ['inputSchema', 'Calls without title are refused now.']]);
  assert.deepEqual(changesOf(exactTools(tools), exactTools(tools)), []);
  assert.deepEqual(diff('a\nb\nc', 'a\nc\nd').map(({ sign, text }) => sign + text), [' a', '-b', ' c', '+d']);
});

test('a recorded session has no secret and no value of an argument', () => {
  const log = new Log();
  const exchange: Exchange = {
    id: 1, span: 'a', at_us: 1, peer: 'x', person: 'alice', method: 'POST', path: '/mcp?code=s3cr3t', status: 200, ms: 3,
    request_headers: [['authorization', 'Bearer s3cr3t-s3cr3t'], ['cookie', 's3cr3t'], ['mcp-name', 'open_issue']],
    request: '{"method":"tools/call","params":{"name":"open_issue","arguments":{"title":"s3cr3t","n":[4711]},"requestState":"s3cr3t","inputResponses":{"a":"s3cr3t"}}}',
    response: '{"result":{"content":[{"type":"text","text":"s3cr3t"}],"structuredContent":{"number":4711}}}',
  };
  log.add(exchange);
  log.add({ ...exchange, id: 2, response: '{"error":{"code":-32042,"message":"Open http://a/connect/s3cr3t"}}' });
  log.add({ ...exchange, id: 3, request: 's3cr3t', response: 's3cr3t' });
  const record = JSON.stringify(recordOf(state, new Trace(), log));
  assert.doesNotMatch(record, /s3cr3t|4711/, record);
  assert.match(record, /"title":"<string>"/);
  assert.match(record, /toolgate-session\/1/);
  assert.ok(new JsonObject());
});
