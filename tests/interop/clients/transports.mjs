// A client of TypeScript's SDK 1.32 over a transport that is older than streamable HTTP, or beside it:
// from a 401 to a tool, to an account at a second provider, and on to a tool that needs more.
//   node transports.mjs TRANSPORT URL TOOL ARGUMENTS EXPECTED WIDER_TOOL WIDER_ARGUMENTS WIDER_EXPECTED [CONSENT_TOOL CONSENT_EXPECTED]
// TRANSPORT is `sse` or `ws`, and URL that of streamable HTTP. With a consent tool the server has a
// broker, and answers a call that needs more with a link; otherwise with a challenge.
//
// What the transports of the SDK cannot do, and the application does here in their place:
// * SSE reads no challenge of a call: the application signs in again with its scope.
// * WebSocket sends no header, and sees neither the status nor the challenge of a refused upgrade.
import assert from 'node:assert/strict';
import { auth } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { WebSocketClientTransport } from '@modelcontextprotocol/sdk/client/websocket.js';
import { memory } from './memory.mjs';
import { agree, visit } from './person.mjs';

const [which, url, ...steps] = process.argv.slice(2);
const [consentTool, consented] = steps.slice(6);
const redirectUrl = 'http://127.0.0.1:7777/callback';
const [asked, exchange] = [[], []];
let answer;
const authProvider = {
  redirectUrl,
  clientMetadata: {
    client_name: `client 1.32 over ${which}`,
    redirect_uris: [redirectUrl],
    grant_types: ['authorization_code'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  },
  ...memory(),
  async redirectToAuthorization(link) {
    asked.push(link.searchParams.get('scope'));
    answer = await agree(link.href, 'alice', redirectUrl);
  },
};
const recorded = async (to, init) => {
  const response = await fetch(to, init);
  exchange.push(`${init?.method ?? 'GET'} ${new URL(to).pathname} ${response.status}`);
  return response;
};
const times = (pattern, count, what) =>
  assert.equal(exchange.filter((line) => pattern.test(line)).length, count, `${what}: ${JSON.stringify(exchange, null, 1)}`);

// Signs in as the SDK does, at the server that a client of streamable HTTP would find there.
const serverUrl = which === 'sse' ? new URL('sse', url) : new URL(url);
async function signIn(challenge = '') {
  const [, scope] = challenge.match(/scope="([^"]*)"/) ?? [];
  const options = { serverUrl, scope, fetchFn: recorded };
  assert.equal(await auth(authProvider, options), 'REDIRECT');
  assert.equal(await auth(authProvider, { ...options, authorizationCode: answer.get('code') }), 'AUTHORIZED');
}

let client;
async function connect(transport) {
  client = new Client({ name: 'judge', version: '1' });
  await client.connect(transport);
}
const text = (result) => result.content.map((block) => block.text).join('');
const call = (name, given) => client.callTool({ name, arguments: JSON.parse(given) });
async function succeed(name, given, expected) {
  const result = await call(name, given);
  assert.ok(!result.isError && text(result).includes(expected), `${name} answered ${text(result)}`);
}
const linkIn = (result, path) => text(result).match(new RegExp(`http://127\\.0\\.0\\.1:\\d+${path}[\\w./-]+[\\w-]`))?.[0];

const socketUrl = new URL('ws', url);
socketUrl.protocol = 'ws:';
const Plain = globalThis.WebSocket;
const socket = () => new WebSocketClientTransport(socketUrl);
if (which === 'sse') {
  const stream = () => new SSEClientTransport(serverUrl, { authProvider, fetch: recorded });
  const first = stream();
  await assert.rejects(connect(first), (error) => error.constructor.name === 'UnauthorizedError');
  assert.ok(answer, 'the client was not sent to sign in');
  await first.finishAuth(answer.get('code'));
  await connect(stream());
  assert.equal(exchange[0], 'GET /sse 401');
} else {
  await assert.rejects(connect(socket()), (error) => !/401/.test(String(error)));
  await signIn();
  globalThis.WebSocket = class extends Plain {
    constructor(to, protocols) {
      super(to, { protocols, headers: { authorization: `Bearer ${authProvider.tokens().access_token}` } });
    }
  };
  await connect(socket());
}
await succeed(...steps.slice(0, 3));
assert.equal(asked.length, 1, 'one sign-in');

if (consentTool) {
  const refused = await call(consentTool, '{}');
  const link = linkIn(refused, '/connect/');
  assert.ok(refused.isError && link, `no link: ${text(refused)}`);
  // A second client of the person gets leave to use the account that is connected already.
  assert.match(await visit(link, 'alice'), /is connected|may use your/);
  await succeed(consentTool, '{}', consented);

  const lacking = await call(steps[3], steps[4]);
  const more = linkIn(lacking, '/oauth/step-up/');
  assert.ok(lacking.isError && more, `no link: ${text(lacking)}`);
  assert.match(await visit(more, 'alice'), /It may do more now/);
  await succeed(...steps.slice(3, 6));
  assert.equal(asked.length, 1, 'the same token');
} else {
  const refused = await call(steps[3], steps[4]).then((result) => assert.fail(text(result)), (error) => error);
  const challenge = refused.data?.['mcp/www_authenticate']?.[0] ?? '';
  assert.match(challenge, /error="insufficient_scope"/, String(refused));
  await signIn(challenge);
  // The token of a socket is that of its upgrade.
  if (which === 'ws') await connect(socket());
  await succeed(...steps.slice(3, 6));
  assert.equal(asked.length, 2, `one step-up: ${asked}`);
}
times(/^POST .*\/reg.* 201$/, 1, 'registrations');
times(/^POST \/messages 4\d\d$/, 0, 'refused messages');
if (which === 'sse') times(/^GET \/sse 200$/, 1, 'streams');
console.log(`client 1.32 over ${which}: signed in for "${asked[0]}", ${consentTool ? 'consented, stepped up by a link' : `stepped up to "${asked[1]}"`}`);
process.exit(0);
