// A newcomer's walk on the real quickstart: from its link to an authenticated call, with the consent at
// forge, and to a call that needs more. Each step is timed.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { MAX_TEST, call, go, launch, look, open } from '../browser/browser.mjs';
import { consent, windowOf } from '../served/people.mjs';
import { start } from './program.mjs';

/** What the machine may take of a person's time, in all: some seconds, and minutes on one that is very busy. */
const WALK_WITHIN_MS = 240_000;

let server;
let browser;
before(async () => {
  server = await start();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

const steps = [];
async function step(name, run) {
  const began = performance.now();
  const result = await run();
  steps.push([name, Math.round(performance.now() - began)]);
  return result;
}

test('a newcomer goes from the link to an authenticated call, and to more scopes', MAX_TEST, async () => {
  // The refusals that the walk is about are errors of the network for the browser.
  const { page, context, complaints } = await step('the page is there', () => open(browser, server));
  for (const tool of ['list_repositories', 'list_issues', 'open_issue', 'delete_repository']) assert.ok(await page.locator('nav').getByText(tool, { exact: true }).first().isVisible(), tool);
  await step('the first click runs a tool, and says why it is refused', async () => {
    await call(page);
    await page.locator('.refusal').getByText('the request has no token').first().waitFor();
  });
  const signIn = await step('the sign-in opens', () => windowOf(context, () => page.locator('.refusal').getByRole('button', { name: 'Sign in' }).click()));
  await step('consent, at the server and at forge', () => consent(signIn));
  await step('the call goes on by itself', () => page.getByRole('heading', { name: 'Answered' }).waitFor());
  assert.match(await page.locator('.result').innerText(), /alice\/compass/);
  await look(page, 'quickstart-answered');
  // Both legs are in one trace: how the page got its token, and what the call did with it at forge.
  const trace = page.locator('.trace');
  await trace.getByText('list_repositories answered').waitFor();
  await trace.getByRole('button', { name: /How the host signed in/ }).click();
  const story = await trace.innerText();
  for (const words of ['No token', 'Sign-in begins', 'The person allowed it', 'Token issued', 'Host → sign-in at this server', 'This server → provider', 'GET /user/repos']) assert.ok(story.includes(words), `${words} is not in ${story}`);

  await step('another tool', async () => {
    await go(page, 'tools', 'open_issue');
    for (const [field, value] of [['owner', 'alice'], ['repo', 'compass'], ['title', 'The needle sticks']]) await page.getByRole('textbox', { name: new RegExp(`^${field}`) }).fill(value);
    await call(page);
    await page.locator('.refusal').getByText('the token does not cover “repo:write”').first().waitFor();
  });
  await look(page, 'quickstart-refused');
  const widen = await step('more is asked for', () => windowOf(context, () => page.locator('.refusal').getByRole('button', { name: /^Allow repo:write/ }).click()));
  await step('consent to it', () => consent(widen));
  await step('the call goes on with more scopes', () => page.getByRole('heading', { name: 'Answered' }).waitFor());
  await page.locator('.trace').getByText('open_issue answered').waitFor();
  assert.match(await page.locator('.trace').innerText(), /POST \/repos/);
  await look(page, 'quickstart-widened');

  const took = steps.reduce((sum, [, ms]) => sum + ms, 0);
  for (const [name, ms] of steps) console.log(`${String(ms).padStart(6)} ms  ${name}`);
  console.log(`${String(took).padStart(6)} ms  in all`);
  assert.ok(took < WALK_WITHIN_MS, `${took} ms`);
  assert.deepEqual(complaints, []);
  await context.close();
});

test('what a token lacks, what it covers, and what happens if it breaks', MAX_TEST, async () => {
  const { page, context } = await open(browser, server);
  await go(page, 'token');
  assert.match(await page.locator('.token').innerText(), /repo:read/);
  for (const [button, words] of [['It expires', 'the token expired'], ['Its signature is wrong', 'the signature of the token is wrong']]) {
    await go(page, 'token');
    await page.getByRole('button', { name: button }).click();
    await page.locator('.token .warning').waitFor();
    await go(page, 'tools', 'list_repositories');
    await call(page);
    await page.locator('.refusal').getByText(words).first().waitFor();
    await page.getByRole('button', { name: /^Sign in again/ }).click();
    await page.getByRole('heading', { name: 'Answered' }).waitFor();
    await page.getByRole('button', { name: 'Clear', exact: true }).click();
  }
  await context.close();
});

for (const era of ['2026-07-28', '2025-11-25']) {
  test(`a call is answered in ${era}`, MAX_TEST, async () => {
    const { page, context } = await open(browser, server);
    await go(page, 'tools', 'list_repositories');
    await page.getByTitle('Version of the protocol').selectOption(era);
    await call(page);
    await page.getByRole('heading', { name: 'Answered' }).waitFor();
    assert.match(await page.locator('.result').innerText(), /alice\/compass/);
    await context.close();
  });
}

test('a call of another program is shown, without its token', MAX_TEST, async () => {
  const { page, context } = await open(browser, server);
  await go(page, 'log');
  const answer = await fetch(`${server.url}/mcp`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', authorization: 'Bearer not-a-token', 'user-agent': 'a-host/1.0', 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }),
  });
  assert.equal(answer.status, 401);
  await page.locator('.log-rows').getByText('a-host').first().waitFor();
  assert.doesNotMatch(await page.content(), /not-a-token/);
  await context.close();
});

test('a saved call is a file, and the doctor finds no fault', MAX_TEST, async () => {
  const { page, context } = await open(browser, server);
  const api = (act) => page.evaluate(async (act) => (await fetch('api/act', { method: 'POST', headers: { 'toolgate-inspector': '1', 'content-type': 'application/json' }, body: JSON.stringify(act) })).json(), act);
  const person = await page.evaluate(async () => (await (await fetch('api/state', { headers: { 'toolgate-inspector': '1' } })).json()).people[0].id);
  await api({ act: 'save', call: { name: 'mine', tool: 'list_repositories', person, arguments: '{}', expect: { outcome: 'result' } } });
  assert.equal(JSON.parse(readFileSync(path.join(server.data, 'calls', 'mine.json'), 'utf8')).tool, 'list_repositories');
  await api({ act: 'run', name: 'mine' });
  const { checks } = await api({ act: 'doctor' });
  assert.deepEqual(checks.filter(({ outcome }) => outcome === 'fault'), []);
  await context.close();
});

test('another page of the same browser gets nothing', MAX_TEST, async (t) => {
  const { page, context } = await open(browser, server);
  const other = await context.newPage();
  // A page of another port of this machine: the same site for the browser, another origin.
  const stranger = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<!doctype html><title>Another page</title>'));
  await new Promise((listens) => stranger.listen(0, '127.0.0.1', listens));
  t.after(() => stranger.close());
  await other.goto(`http://127.0.0.1:${stranger.address().port}/`);
  const reached = await other.evaluate(async (url) => {
    const tries = [
      () => fetch(`${url}/inspector/api/state`, { credentials: 'include', headers: { 'toolgate-inspector': '1' } }),
      () => fetch(`${url}/inspector/api/act`, { method: 'POST', credentials: 'include', mode: 'no-cors', body: '{"act":"clear"}' }).then((answer) => (answer.type === 'opaque' ? Promise.reject(new Error('nothing can be read')) : answer)),
    ];
    const reached = [];
    for (const attempt of tries) await attempt().then(async (answer) => reached.push(`${answer.status} ${await answer.text()}`), () => {});
    return reached;
  }, server.url);
  assert.deepEqual(reached.filter((answer) => answer.startsWith('200')), []);
  // As a frame it is refused as well.
  const framed = await other.evaluate((url) => new Promise((done) => {
    const frame = document.createElement('iframe');
    frame.src = `${url}/inspector/`;
    frame.onload = () => {
      try {
        done(frame.contentDocument?.body?.innerText ?? 'no document');
      } catch {
        done('no document');
      }
    };
    document.documentElement.append(frame);
  }), server.url);
  assert.equal(framed, 'no document');
  await page.bringToFront();
  await context.close();
});
