// The program `inspected_forge`: a real server over a forge with faults, and another program that calls it.
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import path from 'node:path';
import { start } from '../quickstart/program.mjs';

const VERSION = '2026-07-28';

/** How many calls wait for one refresh. */
export const WAITING = 50;

/** Starts the server. `order` is for what only a test may do: see the program. */
export async function serve(options) {
  const server = await start(process.env.INSPECTED_FORGE, options);
  const orders = readFileSync(path.join(server.data, 'orders'), 'utf8');
  const order = async (what) => {
    const answer = await fetch(orders, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(what) });
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  /** A token that the server accepts, unless its claims are wrong. Its client is the inspector's, so that they share accounts. */
  const token = (sub = 'alice', claims = {}) => order({ token: { sub, aud: `${server.url}/mcp`, scope: 'orders:read orders:write', client_id: 'toolgate-inspector', ...claims } });
  return { ...server, order, token };
}

export const message = (name, args = {}, method = 'tools/call') =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { name, arguments: args, _meta: { 'io.modelcontextprotocol/protocolVersion': VERSION, 'io.modelcontextprotocol/clientCapabilities': {} } } });

/** A request of another program. */
export async function post(server, { token, tool = 'orders', args, agent = 'a-host', query = '', method = 'POST', body = message(tool, args), headers = {}, announces, signal } = {}) {
  const all = {
    'content-type': 'application/json', accept: 'application/json, text/event-stream', 'user-agent': `${agent}/1.0`, 'mcp-protocol-version': VERSION, 'mcp-method': 'tools/call', 'mcp-name': tool,
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers,
  };
  for (const [name, value] of Object.entries(all)) if (value === undefined) delete all[name];
  if (announces !== undefined) return head(`${server.url}/mcp`, { ...all, 'content-length': announces });
  const response = await fetch(`${server.url}/mcp${query}`, { method, headers: all, ...(method === 'GET' ? {} : { body }), ...(signal ? { signal } : {}) });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** A request whose body does not come: its head is refused. */
const head = (url, headers) =>
  new Promise((answered, failed) => {
    const sent = request(url, { method: 'POST', headers }, (response) => {
      answered({ status: response.statusCode, headers: response.headers, text: '' });
      sent.destroy();
    });
    sent.on('error', failed);
    sent.flushHeaders();
  });

/** The events of a server's trace as they come, read as its page reads them. */
export async function* eventsOf(server, signal) {
  const opened = await fetch(server.link, { redirect: 'manual' });
  const cookie = opened.headers.get('set-cookie').split(';')[0];
  const stream = await fetch(`${server.url}/inspector/api/events`, { headers: { cookie, 'toolgate-inspector': '1', 'sec-fetch-site': 'same-origin' }, signal });
  let text = '';
  for await (const part of stream.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (text + part).split('\n\n');
    text = blocks.pop();
    for (const block of blocks) {
      const [, data] = /^event: trace\n(?:id: \d+\n)?data: (.*)$/.exec(block) ?? [];
      if (data) yield JSON.parse(data);
    }
  }
}

/** 50 calls of another program, for which the provider's token has to be renewed; the spans of those that waited. */
export async function waitTogether(server, args) {
  // The answer of the provider is held back until every call waits for it.
  await server.order('expire');
  await server.order({ hold_token: true });
  const token = await server.token();
  const stop = new AbortController();
  const waiting = new Set();
  const joined = (async () => {
    for await (const event of eventsOf(server, stop.signal)) {
      if (event.event === 'refresh_joined') waiting.add(event.span);
      if (waiting.size === WAITING - 1) return;
    }
  })();
  const calls = Array.from({ length: WAITING }, () => post(server, { token, tool: 'list_issues', args, agent: 'crowd' }));
  await joined;
  stop.abort();
  await server.order({ hold_token: false });
  for (const { status, text } of await Promise.all(calls)) if (status !== 200 || text.includes('"isError":true')) throw new Error(text);
  return waiting;
}
