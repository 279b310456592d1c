// Refusals of a real server: another program is refused, and the page says why. Each card has its words.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MAX_TEST, call, go, launch, open } from '../browser/browser.mjs';
import { consent, windowOf } from './people.mjs';
import { message, post, serve } from './server.mjs';

let browser;
before(async () => (browser = await launch()));
after(async () => browser?.close());

const encoded = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
/** The token with other members in its header, which its signature does not cover. */
const withHeader = (token, members) => {
  const [header, ...rest] = token.split('.');
  return [encoded({ ...JSON.parse(Buffer.from(header, 'base64url').toString()), ...members }), ...rest].join('.');
};
const now = () => Math.floor(Date.now() / 1000);

/** Each: how it is sent, the status, the kind of the card, and its words. */
const CASES = {
  'no token': [{}, 401, 'token_presence', 'the request has no token', 'no Authorization header', 'tells it where'],
  'token in the query': [async (server) => ({ query: `?access_token=${await server.token()}` }), 401, 'token_presence', 'in the query, where it does not count', 'RFC 9700'],
  'malformed credentials': [{ token: 'two words' }, 400, 'token_form', 'the token cannot be read', 'holds no token'],
  'no JWT': [{ token: 'only.two' }, 401, 'token_form', 'the token cannot be read', 'not a JWT'],
  'wrong signature': [async (server) => ({ token: `${(await server.token()).replace(/\.[^.]+$/, '')}.${'A'.repeat(86)}` }), 401, 'token_signature', 'the signature of the token is wrong', 'https://issuer.test', 'the issuer has new keys'],
  'unknown key': [async (server) => ({ token: withHeader(await server.token(), { kid: 'k9' }) }), 401, 'token_key', 'the key of the token is not known', 'k9', 'a key that the issuer publishes'],
  'alg: none': [async (server) => ({ token: withHeader(await server.token(), { alg: 'none' }).replace(/[^.]+$/, '') }), 401, 'token_algorithm', 'the algorithm of the token is not accepted', 'none', 'ES256'],
  'wrong issuer': [async (server) => ({ token: await server.token('alice', { iss: 'https://other.example' }) }), 401, 'token_issuer', 'from another issuer', 'https://other.example', (server) => server.url],
  'wrong audience': [async (server) => ({ token: await server.token('alice', { aud: 'https://other.example/mcp' }) }), 401, 'token_audience', 'for another server', 'https://other.example/mcp', (server) => `${server.url}/mcp`],
  'ID token': [async (server) => ({ token: withHeader(await server.token(), { typ: 'JWT' }) }), 401, 'token_type', 'not an access token', 'JWT', 'at+jwt', 'ID token'],
  expired: [async (server) => ({ token: await server.token('alice', { exp: now() - 90 }) }), 401, 'token_expired', /the token expired 1 min 3\d s ago/, 'refreshes its token'],
  'not valid yet': [async (server) => ({ token: await server.token('alice', { nbf: now() + 3600 }) }), 401, 'token_time', 'not valid yet', /valid in (59 min|1 h)/, 'clocks'],
  'no expiration': [async (server) => ({ token: await server.token('alice', { exp: 'soon' }) }), 401, 'token_claim', 'a claim of the token is missing', 'exp is missing or has no meaning'],
  'ended session': [endedSession, 404, 'request_session', 'the session is not known', 'Hosts start another session'],
  'missing scope': [async (server) => ({ token: await server.token('alice', { scope: 'orders:read' }), tool: 'place_order', args: { count: 1 } }), 403, 'missing_scope', 'the token does not cover “orders:write”', 'orders:read', 'the tool place_order declares orders:write', '403, insufficient_scope', 'Claude', 'ChatGPT', 'Cursor', 'VS Code'],
  'account not connected': [async (server) => ({ token: await server.token('bob'), tool: 'list_issues', args: { owner: 'alice', repo: 'compass' } }), 200, 'consent_not_connected', 'no forge account is connected', 'repo:read', 'the tool list_issues, which uses forge', 'the link in its text'],
  'missing argument': [async (server) => ({ token: await server.token(), tool: 'place_order', args: {} }), 200, 'argument_missing', '“count” does not fit', 'nothing', '1 to 9'],
  'argument of another type': [async (server) => ({ token: await server.token(), tool: 'place_order', args: { count: 'two' } }), 200, 'argument_type', '“count” does not fit', 'another type', 'a whole number'],
  'argument out of range': [async (server) => ({ token: await server.token(), tool: 'place_order', args: { count: 10 } }), 200, 'argument_range', '“count” does not fit', 'its range', '1 to 9'],
  'argument too long': [async (server) => ({ token: await server.token(), tool: 'place_order', args: { count: 1, note: 'x'.repeat(21) } }), 200, 'argument_length', '“note” does not fit', '1 to 20 characters'],
  'argument that is no choice': [async (server) => ({ token: await server.token(), tool: 'place_order', args: { count: 1, parcel: 'by_air' } }), 200, 'argument_one_of', '“parcel” does not fit', 'post', 'fetched'],
  'unknown argument': [async (server) => ({ token: await server.token(), tool: 'place_order', args: { count: 1, noted: 'x' } }), 200, 'argument_unknown', 'does not fit', 'a name that the tool does not have'],
  'unknown tool': [async (server) => ({ token: await server.token(), tool: 'place_odrer', args: { count: 1 } }), 200, 'unknown_tool', 'There is no tool “place_odrer”', 'place_order', 'older list of tools'],
  'unknown method': [async (server) => ({ token: await server.token(), body: message('orders', {}, 'tools/count'), headers: { 'mcp-method': 'tools/count', 'mcp-name': undefined } }), 404, 'unknown_method', 'The method tools/count is not served', 'does not announce'],
  'header against the body': [async (server) => ({ token: await server.token(), headers: { 'mcp-name': 'place_order' } }), 400, 'protocol_headers', 'the headers are not those of the body', 'Mcp-Name is place_order; the body has orders', 'A proxy'],
  'unsupported revision': [async (server) => ({ token: await server.token(), body: message('orders').replace('2026-07-28', '2031-01-01'), headers: { 'mcp-protocol-version': '2031-01-01' } }), 400, 'protocol_version', 'the version of the protocol is not served', '2031-01-01', '2026-07-28'],
  'body too large': [async (server) => ({ token: await server.token(), announces: (4 << 20) + 1 }), 413, 'request_body_too_large', 'the body is too large', 'size of the body'],
  'not JSON': [async (server) => ({ token: await server.token(), body: 'orders, please' }), 400, 'not_json', 'the body is not JSON', 'one JSON-RPC message', '-32700'],
  'not acceptable': [async (server) => ({ token: await server.token(), headers: { accept: 'text/html' } }), 406, 'request_not_acceptable', 'accepts neither JSON nor events', 'application/json, text/event-stream'],
  'another method': [async (server) => ({ token: await server.token(), method: 'PUT' }), 405, 'request_method', 'the HTTP method is not served', 'POST'],
  'page of another site': [async (server) => ({ token: await server.token(), headers: { origin: 'https://evil.example' } }), 403, 'request_origin', 'a page of another site', 'Gate::allow_origin'],
  'error of the tool': [async (server) => ({ token: await server.token(), tool: 'cancel_order', args: { number: 7 } }), 200, 'tool_error', 'The tool cancel_order returned an error', 'order 7 has left the house', 'the tool’s own code'],
  'tool that panics': [async (server) => ({ token: await server.token(), tool: 'panics', args: { secret: 'x' } }), 200, 'internal', 'The tool panics broke', 'in the server’s log'],
};

async function endedSession(server) {
  const token = await server.token();
  const era = { 'mcp-protocol-version': '2025-11-25', 'mcp-method': undefined, 'mcp-name': undefined };
  const begun = await post(server, { token, headers: era, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'a-host', version: '1' } } }) });
  const session = { ...era, 'mcp-session-id': begun.headers.get('mcp-session-id') };
  await post(server, { token, method: 'DELETE', body: undefined, headers: session });
  return { token, headers: session };
}

/** Looks at the card of the only request by this agent. */
async function cardOf(page, agent) {
  await page.getByLabel('Search the messages').fill(agent);
  const row = page.locator('.log-row');
  await row.first().waitFor();
  await page.waitForFunction(() => document.querySelectorAll('.log-row').length === 1);
  await row.click();
  const card = page.locator('.detail .refusal');
  await card.waitFor();
  const [kind, text] = [await card.getAttribute('data-kind'), await card.innerText()];
  await row.click();
  return { kind, text };
}

function check(name, { kind, text }, expected, words, server) {
  const faults = [];
  if (kind !== expected) faults.push(`its kind is ${kind} and not ${expected}`);
  for (const word of words) {
    const wanted = typeof word === 'function' ? word(server) : word;
    if (wanted instanceof RegExp ? !wanted.test(text) : !text.includes(wanted)) faults.push(`“${wanted}” is missing`);
  }
  if (/undefined|null|\bNaN\b|\[object|\.eyJ/.test(text)) faults.push('it has what is no word');
  return faults.length ? [`${name}: ${faults.join(', ')} in:\n${text}`] : [];
}

test('each refusal of another program has its card', MAX_TEST, async (t) => {
  const server = await serve();
  t.after(() => server.close());
  const { page, context } = await open(browser, server);
  await go(page, 'log');
  const faults = [];
  for (const [name, [request, status, kind, ...words]] of Object.entries(CASES)) {
    const agent = `case-${name.replaceAll(/\W+/g, '-')}`;
    const sent = await post(server, { ...(typeof request === 'function' ? await request(server) : request), agent });
    if (sent.status !== status) faults.push(`${name}: ${sent.status} and not ${status}: ${sent.text}`);
    faults.push(...check(name, await cardOf(page, agent).catch((error) => ({ kind: 'none', text: error.message })), kind, words, server));
  }
  assert.equal(faults.length, 0, faults.join('\n\n'));
  assert.ok(new Set(Object.values(CASES).map(([, , kind]) => kind)).size >= 20);
  await context.close();
});

test('what a provider refuses has its card, and a call that waits for an account goes on', MAX_TEST, async (t) => {
  const server = await serve();
  t.after(() => server.close());
  const { page, context } = await open(browser, server);
  const issues = { owner: 'alice', repo: 'compass' };
  // The account of alice is connected in the page.
  await go(page, 'tools', 'list_issues');
  for (const [field, value] of Object.entries(issues)) await page.getByRole('textbox', { name: new RegExp(`^${field}`) }).fill(value);
  await call(page);
  await page.getByText('Waits for alice: no forge account is connected').waitFor();
  await consent(await windowOf(context, () => page.getByRole('button', { name: 'Connect forge' }).click()));
  await page.getByRole('heading', { name: 'Answered' }).waitFor();
  // One scope is withheld by the provider, whatever the person allows.
  await go(page, 'tools', 'delete_repository');
  for (const [field, value] of Object.entries(issues)) await page.getByRole('textbox', { name: new RegExp(`^${field}`) }).fill(value);
  await call(page);
  await page.locator('.refusal').getByText('was connected with less').first().waitFor();
  await consent(await windowOf(context, () => page.getByRole('button', { name: 'Connect forge' }).click()));
  await page.locator('.refusal').getByText('withheld what it needs').first().waitFor();
  const faults = check('withheld', { kind: await page.locator('.refusal').getAttribute('data-kind'), text: await page.locator('.refusal').innerText() }, 'withheld', ['forge was asked, and did not grant it', 'repo:delete', 'administrator of forge'], server);

  await go(page, 'tools', 'who_am_i');
  await call(page);
  await consent(await windowOf(context, () => page.getByRole('button', { name: /^Connect / }).click()));
  await page.locator('.refusal').getByText('was not reached').first().waitFor();
  faults.push(...check('unreachable', { kind: await page.locator('.refusal').getAttribute('data-kind'), text: await page.locator('.refusal').innerText() }, 'upstream_unreachable', ['GET /user', 'no connection'], server));

  await go(page, 'log');
  const status = (status, times = 1, retry_after = null) => server.order({ api_status: { times, status, retry_after } });
  const provider = [
    [403, () => status(403), 'upstream_refused', 'forge answered 403', 'GET /repos/{}/{}/issues', 'another scope'],
    [429, () => status(429, 9, 3600), 'upstream_error', 'forge answered 429', 'limits requests'],
    [503, () => status(503, 9), 'upstream_error', 'forge answered 503', 'GET /repos/{}/{}/issues'],
  ];
  for (const [name, prepare, kind, ...words] of provider) {
    await prepare();
    await post(server, { token: await server.token(), tool: 'list_issues', args: issues, agent: `provider-${name}` });
    faults.push(...check(name, await cardOf(page, `provider-${name}`), kind, words, server));
    // What is left of the fault is taken away by calls that it refuses.
    for (let left = 12; left && (await post(server, { token: await server.token(), tool: 'list_issues', args: issues })).text.includes('"isError":true'); left--);
  }
  await post(server, { token: await server.token('alice', { client_id: 'another-host' }), tool: 'list_issues', args: issues, agent: 'other-client' });
  faults.push(...check('other client', await cardOf(page, 'other-client'), 'consent_other_client', ['connected through another application'], server));
  await server.order({ refuse_refresh: true });
  await server.order('expire');
  await post(server, { token: await server.token(), tool: 'list_issues', args: issues, agent: 'dead-refresh' });
  faults.push(...check('dead refresh token', await cardOf(page, 'dead-refresh'), 'consent_revoked', ['the access at forge was revoked', 'the link in its text'], server));
  // It is connected again; a provider that refuses even a new token has ended the access.
  await server.order({ refuse_refresh: false });
  await go(page, 'tools', 'list_issues');
  await call(page);
  await consent(await windowOf(context, () => page.getByRole('button', { name: 'Connect forge' }).click()));
  await page.getByRole('heading', { name: 'Answered' }).waitFor();
  await status(401, 2);
  await post(server, { token: await server.token(), tool: 'list_issues', args: issues, agent: 'provider-401' });
  await go(page, 'log');
  faults.push(...check(401, await cardOf(page, 'provider-401'), 'consent_revoked', ['the access at forge was revoked', 'repo:read'], server));
  assert.equal(faults.length, 0, faults.join('\n\n'));
  await context.close();
});

test('a limit has its card, and the button counts from zero', MAX_TEST, async (t) => {
  const server = await serve({ env: { REQUESTS_PER_MINUTE: '3' } });
  t.after(() => server.close());
  const { page, context } = await open(browser, server);
  await go(page, 'tools', 'orders');
  const card = page.locator('.refusal');
  // The counter fills up again by one in 20 seconds.
  for (let calls = 0; calls < 40 && !(await card.count()); calls++) {
    const answered = page.waitForResponse(/api\/send/);
    await call(page);
    await answered;
    await page.getByRole('heading', { name: 'Answered' }).or(card).first().waitFor();
  }
  await card.getByText('too many requests').waitFor();
  const text = await card.innerText();
  for (const words of ['Gate::rate_limit_per_subject', '429', /Again in \d+ s/]) assert.match(text, new RegExp(words));
  assert.equal(await card.getAttribute('data-kind'), 'request_rate_limit');
  await page.getByRole('button', { name: 'Clear the counters' }).click();
  await page.getByRole('heading', { name: 'Answered' }).waitFor();
  await context.close();
});

test('a token that its issuer says is not active, and a host that leaves', MAX_TEST, async (t) => {
  const introspected = await serve({ env: { INTROSPECTED: '1' } });
  t.after(() => introspected.close());
  const { page, context } = await open(browser, introspected);
  await go(page, 'log');
  await post(introspected, { token: 'opaque', tool: 'introspected', agent: 'inactive' });
  assert.deepEqual(check('inactive', await cardOf(page, 'inactive'), 'token_activity', ['not active', 'active: false', 'was revoked'], introspected), []);
  await context.close();

  const server = await serve();
  t.after(() => server.close());
  const opened = await open(browser, server);
  await go(opened.page, 'log');
  const leaves = new AbortController();
  const left = post(server, { token: await server.token(), tool: 'wait_for_delivery', agent: 'leaver', signal: leaves.signal }).catch(() => {});
  await opened.page.locator('.trace').getByText('wait_for_delivery runs').waitFor();
  leaves.abort();
  await left;
  await opened.page.locator('.trace').getByText('The host left').first().waitFor();
  await opened.context.close();
});
