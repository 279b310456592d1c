// An identity product and servers whose gates trust it: a real client signs in, and tokens that are
// not for a server do not get in.
//   node judge.mjs NAME
// NAME is a folder with a `product.mjs`, whose `start({ resources, scopes, work, run })` returns
//   issuer    as the gate is given it
//   version   what was installed
//   gate      (resource) => further settings of the resource server, if it needs any
//   registration  what a client says of itself when it registers, if the product is particular
//   withoutResource  why a gate refuses a token that was asked for without a resource, if it has to
//   client    (resource) => the registration of the client, if it cannot register itself
//   subject   how the product names the person who signs in, if it is known beforehand
//   person    (link, redirect) => the parameters with which the person comes back to the application
//   withdraws whether the product no longer publishes a key with which it does not sign
//   rotate    a URL, or a function: signs with a new key from now on
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { signIn } from './client.mjs';

const name = process.argv[2];
const scopes = ['orders:read', 'orders:write'];
const children = [];

// Runs a program, and waits for the line that says that it is ready.
async function run(program, given, ready, env = {}) {
  const child = spawn(program, given, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = [];
  const ended = new Promise((resolve) => child.on('close', resolve).on('error', resolve));
  children.push({ child, said, program, ended });
  let settle;
  const found = new Promise((resolve, reject) => (settle = { resolve, reject }));
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => {
      said.push(line);
      const match = line.match(ready);
      if (match) settle.resolve(match[1] ?? match[0]);
    });
  child.on('error', settle.reject);
  child.on('exit', (status) => settle.reject(new Error(`${program} ended with ${status}: ${said.join('\n')}`)));
  return found;
}

// Below the ports that the system gives to connections, and to listeners that ask for any port: it stays free until
// a program listens there, and while that program is started again.
const freePort = async () => {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    const server = createServer();
    const isFree = await new Promise((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
};

const decoded = (part) => JSON.parse(Buffer.from(part, 'base64url').toString());
const header = (token) => decoded(token.split('.')[0]);
const claims = (token) => decoded(token.split('.')[1]);

// The token with a claim that was added.
function changed(token) {
  const [head, , signature] = token.split('.');
  const forged = Buffer.from(JSON.stringify({ ...claims(token), sub: 'mallory' })).toString('base64url');
  return [head, forged, signature].join('.');
}

// What a server answers to a bare request with this token.
async function present(url, token) {
  const message = {
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'judge', version: '1' } },
  };
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(message) });
  await response.text();
  return { status: response.status, challenge: response.headers.get('www-authenticate') ?? '' };
}
async function refuses(url, token, why) {
  const { status, challenge } = await present(url, token);
  assert.equal(status, 401, `${url} has to refuse: ${why}`);
  assert.match(challenge, /error="invalid_token"/);
  assert.match(challenge, why);
}
const accepts = async (url, token, what) => {
  const { status, challenge } = await present(url, token);
  assert.equal(status, 200, `${what}: ${challenge}`);
};

async function judge(work) {
  const [one, two] = [await freePort(), await freePort()];
  const [here, elsewhere] = [one, two].map((port) => `http://127.0.0.1:${port}/mcp`);
  const { start } = await import(`./${name}/product.mjs`);
  const product = await start({ resources: [here, elsewhere], scopes, work, run, freePort });
  const serve = (resource, port, settings = {}) =>
    run(process.env.RESOURCE_SERVER, ['--http', `127.0.0.1:${port}`], /http:\/\/[0-9.:]+\/mcp/, {
      ISSUER: product.issuer,
      RESOURCE: resource,
      ...product.gate?.(resource),
      ...settings,
    });
  await serve(here, one);
  await serve(elsewhere, two);
  console.log(`${name} ${product.version}, issuer ${product.issuer}`);

  // From a 401 to a tool, and on to one that needs more.
  const first = await signIn(here, product);
  const subject = product.subject ?? claims(first.token()).sub;
  assert.equal(await first.call('list_orders'), `the orders of ${subject}`);
  assert.equal(await first.stepUp('place_order', { article: 'compass' }), `compass for ${subject}`);
  const wide = first.token();
  console.log(`  a client ${product.client ? 'that was registered by hand' : 'registered itself,'} signed in and stepped up: ${first.asked.join('; ')}`);
  console.log(`  token: ${JSON.stringify(header(wide))} ${JSON.stringify(claims(wide))}`);

  // A token is for one server. A product that is asked about others says that they are not active.
  const introspects = Boolean(product.gate?.(here).INTROSPECTION);
  const [forElsewhere, forged] = introspects ? Array(2).fill(/was revoked or has expired/) : [/the token is for /, /signature/];
  const other = await signIn(elsewhere, product);
  assert.equal(await other.call('list_orders'), `the orders of ${subject}`);
  await refuses(elsewhere, wide, forElsewhere);
  await refuses(here, other.token(), forElsewhere);
  await accepts(here, wide, 'its own token');
  console.log('  refused: a token for another server');

  // Other tokens of the product.
  const { id_token: idToken } = await first.asks({ scope: 'openid orders:read', resource: here });
  if (idToken) await refuses(here, idToken, introspects ? forElsewhere : /not an access token|not said to be an access token/);
  console.log(`  ${idToken ? 'refused: an ID token' : 'it issues no ID token'}`);
  if (product.withoutResource) {
    const { access_token: unbound } = await first.asks({ scope: 'orders:read' });
    await refuses(here, unbound, product.withoutResource);
    console.log(`  refused: a token that was asked for without a resource (${product.withoutResource})`);
  }
  await refuses(here, changed(wide), forged);

  // The same server, when the token has expired.
  const late = await serve(here, 0, { AHEAD: String(first.expiresIn() + 60) });
  await refuses(late, wide, /the token expired/);
  console.log(`  refused: a changed token, and after its ${first.expiresIn()} s an expired one`);

  // A new key is found, and the old one is still good.
  if (typeof product.rotate === 'string') assert.ok((await fetch(product.rotate, { method: 'POST' })).ok);
  else await product.rotate();
  const after = await signIn(here, product);
  assert.equal(await after.call('list_orders'), `the orders of ${subject}`);
  const fresh = await serve(here, 0);
  await accepts(fresh, after.token(), 'a token of the new key');
  if (product.withdraws) await refuses(fresh, wide, /a key that its issuer does not publish/);
  else await accepts(fresh, wide, 'a token of the old key');
  assert.notEqual(header(after.token()).kid, header(wide).kid, 'the key is another one');
  console.log(`  found: the new key ${header(after.token()).kid} after ${header(wide).kid}`);
}

const work = await mkdtemp(join(tmpdir(), `${name}-`));
const stopped = new Promise((_, reject) => {
  setTimeout(() => reject(new Error('it takes too long')), 600_000);
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => reject(new Error(signal)));
});
let failed;
try {
  await Promise.race([judge(work), stopped]);
} catch (error) {
  failed = error;
  for (const { program, said } of children) console.error(`-- ${program}\n${said.slice(-30).join('\n')}`);
  console.error(failed);
}
for (const { child } of children) child.kill();
await Promise.all(children.map(({ ended }) => ended));
await rm(work, { recursive: true, force: true });
process.exit(failed ? 1 : 0);
