// Real hosts walk through a server, side by side, and what they can do is what docs/hosts.md says.
//   walk.mjs PROGRAMS MODULES DOCUMENT [HOST ..]    with cargo's programs and npm's modules
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { open } from './browser.mjs';
import { hosts, versionOf } from './hosts.mjs';

const [programs, modules, document, ...only] = process.argv.slice(2);
const work = mkdtempSync(join(process.env.TMPDIR ?? tmpdir(), 'hosts-'));
const browser = join(dirname(fileURLToPath(import.meta.url)), 'browser.mjs');
const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

// Starts a server, and waits for the address that it prints.
async function serve(log, program, words, env = {}) {
  const output = openSync(log, 'a');
  const before = readFileSync(log, 'utf8').length;
  const child = spawn(join(programs, program), words, { stdio: ['ignore', output, output], env: { ...process.env, ...env } });
  running.add(child);
  for (;;) {
    const url = readFileSync(log, 'utf8').slice(before).match(/http:\/\/127\.0\.0\.1:\d+/)?.[0];
    if (url) return { url, stop: () => new Promise((ended) => { running.delete(child); child.on('close', ended); child.kill('SIGTERM'); }) };
    if (child.exitCode !== null) throw new Error(`${program} ended: ${readFileSync(log, 'utf8')}`);
    await new Promise((ready) => setTimeout(ready, 100));
  }
}

const compass = { owner: 'alice', repo: 'compass' };
const reads = [
  { server: 'forge', tool: 'list_issues', arguments: { ...compass, limit: 2 } },
  { server: 'forge', tool: 'list_issues', arguments: { ...compass, limit: 1 } },
];
const opens = { server: 'forge', tool: 'open_issue', arguments: { ...compass, title: 'from a host' } };
const asks = { server: 'forge', tool: 'who_am_i' };
const first = [
  ...reads,
  // As models send them: a list as text, and a whole number with a fraction.
  { server: 'forge', tool: 'filter_issues', json: '{"labels":"[\\"bug\\",\\"ui\\"]","limit":30.0}', texts: { labels: '["bug","ui"]', limit: '30.0' } },
  { server: 'forge', tool: 'filter_issues', arguments: { labels: ['bug'], limit: 200 } },
  { server: 'forge', tool: 'close_issue', arguments: { number: 7 } },
  { server: 'desk', tool: 'filter_issues', arguments: { labels: ['bug'] } },
  asks,
  opens,
  opens,
];

// The access token of an application that signs alice in.
async function token(url) {
  const listener = http.createServer();
  await new Promise((ready) => listener.listen(0, '127.0.0.1', ready));
  const redirect = `http://127.0.0.1:${listener.address().port}/callback`;
  const came = new Promise((ready) => listener.on('request', (request, response) => {
    response.end('It may be closed.');
    ready(new URL(request.url, redirect).searchParams.get('code'));
  }));
  const body = { client_name: 'a script', redirect_uris: [redirect], token_endpoint_auth_method: 'none' };
  const registered = await fetch(`${url}/oauth/register`, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
  const { client_id } = await registered.json();
  const verifier = 'a-verifier-that-is-long-enough-for-the-rfc-0123456789';
  const code_challenge = createHash('sha256').update(verifier).digest('base64url');
  const asked = { response_type: 'code', client_id, redirect_uri: redirect, scope: 'repo:read', state: 's', code_challenge, code_challenge_method: 'S256' };
  await open(`${url}/oauth/authorize?${new URLSearchParams(asked)}`);
  const redeemed = { grant_type: 'authorization_code', code: await came, redirect_uri: redirect, client_id, code_verifier: verifier };
  const answer = await fetch(`${url}/oauth/token`, { method: 'POST', body: new URLSearchParams(redeemed) });
  listener.close();
  return (await answer.json()).access_token;
}

const on = (server, calls) => calls.map((call) => ({ ...call, server }));
const linkIn = (text = '', path) => text.match(new RegExp(`http://127\\.0\\.0\\.1:\\d+${path}[\\w./-]+[\\w-]`))?.[0];
const readsIssues = (results, at = 0) => [0, 1].every((n) => (results[at + n] ?? '').includes('drifts'));

// What a host can do, by the words of the table.
async function walk(Host, forges) {
  const log = join(work, `${Host.package.replace(/\W+/g, '-')}-server.log`);
  const env = { ...forges, TOOLGATE_DATA: join(work, `${Host.title.replace(/\W+/g, '-')}-data`), RUST_LOG: 'info,toolgate=debug' };
  let server = await serve(log, 'hosted', ['--http', '127.0.0.1:0'], env);
  const desk = join(work, `${Host.title.replace(/\W+/g, '-')}-desk`);
  const settings = Object.entries(forges).map(([name, value]) => `export ${name}='${value}'`);
  writeFileSync(desk, `#!/bin/sh\n${settings.join('\n')}\nexport TOOLGATE_DATA='${env.TOOLGATE_DATA}-desk'\nexec '${join(programs, 'hosted')}' --stdio\n`);
  chmodSync(desk, 0o755);
  const host = new Host({
    bin: join(modules, '.bin'), work, browser, desk,
    forge: `${server.url}/mcp`, stream: `${server.url}/sse`, socket: `${server.url.replace('http', 'ws')}/ws`,
    headers: { authorization: `Bearer ${Host.hasSockets ? await token(server.url) : ''}` },
  });
  await host.prepare();
  await host.signIn();
  const slow = host.ask([{ server: 'forge', tool: 'wait_for_build', arguments: { seconds: 70 } }]);

  const { tools, results } = await host.ask(first);
  const [, , filtered, refused, failed, local, consent, challenged, repeated] = results;
  const link = linkIn(consent, '/connect/');
  if (link) await open(link, host.cookies);
  const stepUp = linkIn(repeated, '/oauth/step-up/') ?? linkIn(challenged, '/oauth/step-up/');
  // Without a link the person does what the host has for that: signs in again.
  if (stepUp) await open(stepUp, host.cookies);
  else await host.signIn();
  const again = await host.ask([asks, opens]);

  // The same over the other transports.
  await host.signIn('stream');
  const streamed = await host.ask([...on('stream', reads), ...on('stream', [opens])]);
  const widen = linkIn(streamed.results[2], '/oauth/step-up/');
  if (widen) await open(widen, host.cookies);
  const opened = widen ? await host.ask(on('stream', [opens])) : streamed;
  const socket = Host.hasSockets ? await host.ask([...on('socket', reads), ...on('socket', [opens])]) : { results: [] };
  const more = linkIn(socket.results[2], '/oauth/step-up/');
  if (more) await open(more, host.cookies);
  const wider = more ? await host.ask(on('socket', [opens])) : socket;

  const slept = await slow;
  await server.stop();
  server = await serve(log, 'hosted', ['--http', new URL(server.url).host], env);
  const restarted = await host.ask(reads);
  await server.stop();

  const offered = (name) => tools.find((tool) => tool.name.includes('forge') && tool.name.endsWith(name));
  const labels = offered('filter_issues')?.schema?.properties?.labels;
  return new Map([
    ['signs in without a way out of the machine', readsIssues(results)],
    ['offers the tools to its model, with schemas', ['list_issues', 'open_issue', 'who_am_i', 'filter_issues', 'close_issue'].every(offered) && labels?.type === 'array' && labels?.items?.type === 'string'],
    ['calls two tools', readsIssues(results)],
    ['sends a list as text, and `30.0`', (filtered ?? '').includes('labels=["bug", "ui"] limit=30')],
    ['shows its model why arguments are refused', (refused ?? '').includes('limit') && (refused ?? '').includes('100')],
    ['shows its model the words of an error', (failed ?? '').replaceAll('\\"', '"').includes('issue 7 is locked: ask its owner to "unlock" it first')],
    ['gets to a wider scope', (again.results[1] ?? '').includes('from a host')],
    ['gets to the account at a second provider', (again.results[0] ?? '').includes('alice')],
    ['waits 70 s for a tool', (slept.results[0] ?? '').includes('the build took 70 s')],
    ['goes on after the server was restarted', readsIssues(restarted.results)],
    ['signs in and calls over HTTP with events (`/sse`)', readsIssues(streamed.results)],
    ['gets to a wider scope over it', (opened.results.at(-1) ?? '').includes('from a host')],
    ['calls over WebSocket, with a token from elsewhere', readsIssues(socket.results)],
    ['gets to a wider scope over that', (wider.results.at(-1) ?? '').includes('from a host')],
    ['starts a server of its own (stdio)', (local ?? '').includes('labels=["bug"] limit=30')],
  ]);
}

// The table of the document: what each host can do.
function documented() {
  const rows = readFileSync(document, 'utf8').split('\n').filter((line) => line.startsWith('|'));
  const cells = rows.map((row) => row.slice(1, -1).split('|').map((cell) => cell.trim()));
  const [titles, , ...body] = cells;
  return titles.slice(1).map((title, column) => ({
    title,
    walks: new Map(body.map((row) => [row[0], row[column + 1]])),
  }));
}

const forges = {
  FORGE_URL: (await serve(join(work, 'forge.log'), 'forge', ['--address', '127.0.0.1:0'])).url,
  SECOND_URL: (await serve(join(work, 'second.log'), 'forge', ['--address', '127.0.0.1:0', '--redirect', 'http://127.0.0.1/callback/second'])).url,
};
const wanted = hosts.filter((host) => only.length === 0 || only.includes(host.title) || only.includes(host.package));
const table = documented();
let differences = 0;
await Promise.all(wanted.map(async (Host) => {
  const began = Date.now();
  const walks = await walk(Host, forges);
  const title = `${Host.title} ${versionOf(modules, Host.package)}`;
  const said = table.find((host) => host.title === title)?.walks;
  if (!said) console.log(`FAILED ${title}: the document has no column of it`);
  differences += said ? 0 : 1;
  for (const [name, works] of walks) {
    const cell = said?.get(name) ?? '(no row)';
    const agrees = cell === 'yes' ? works : cell.startsWith('no: ') && !works;
    if (!agrees) differences++;
    console.log(`${agrees ? 'ok    ' : 'FAILED'} ${Host.title}: ${name}: ${works ? 'yes' : 'no'}${agrees ? '' : `, and the document says: ${cell}`}`);
  }
  console.log(`${title}: ${Math.round((Date.now() - began) / 1000)} s`);
}));
console.log(differences === 0 ? 'The hosts do what docs/hosts.md says.' : `${differences} differences; logs: ${work}`);
process.exit(differences === 0 ? 0 : 1);
