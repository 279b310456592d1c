// What the page offers, each at least once at a real server; what it copies is run.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { MAX_TEST, call, go, launch, look, open } from '../browser/browser.mjs';
import { consent, windowOf } from './people.mjs';
import { post, serve } from './server.mjs';

const run = promisify(execFile);

let browser;
let server;
before(async () => {
  browser = await launch();
  server = await serve();
  // Bob may order, and alice may not.
  const { page, context } = await open(browser, server);
  await act(page, { act: 'widen', person: 'bob', scopes: ['orders:write'] });
  await context.close();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** A test with a page of its own, of which the browser must not complain. */
function walk(name, run) {
  test(name, MAX_TEST, async () => {
    const { page, context, complaints } = await open(browser, server);
    try {
      await run(page, context);
      assert.deepEqual(complaints, []);
    } finally {
      await context.close();
    }
  });
}
const act = (page, what) => page.evaluate(async (what) => (await fetch('api/act', { method: 'POST', headers: { 'toolgate-inspector': '1' }, body: JSON.stringify(what) })).json(), what);
const as = (page, name) => page.locator('.top').getByRole('button', { name, exact: true }).click();
const card = (page) => page.locator('.refusal').first();

async function copied(page, label) {
  if (!(await page.locator('.popup').isVisible())) await page.locator('.menu summary').click();
  await page.getByRole('button', { name: label }).click();
  await page.locator('.popup').getByText('Copied').waitFor();
  return page.evaluate(() => navigator.clipboard.readText());
}

walk('people and tools: two people with other scopes, and the same call as both', async (page) => {
  await go(page, 'people');
  await page.getByRole('button', { name: /^place_order as alice: needs step-up/ }).waitFor();
  await page.getByRole('button', { name: /^place_order as bob: callable/ }).waitFor();
  await page.getByRole('button', { name: /^list_issues as bob: needs consent/ }).waitFor();
  await go(page, 'tools', 'place_order');
  await page.getByRole('textbox', { name: /^count/ }).fill('2');
  await go(page, 'people');
  await page.getByRole('row', { name: /place_order/ }).getByRole('button', { name: 'Compare' }).click();
  await page.getByRole('button', { name: 'Call as both' }).click();
  const [alice, bob] = [page.locator('.sides > div').nth(0), page.locator('.sides > div').nth(1)];
  await alice.getByText('the token does not cover “orders:write”').waitFor();
  await bob.getByText('"bob"').waitFor();
  await look(page, 'served-two-people');
  await page.getByRole('button', { name: /^place_order as bob/ }).click();
  assert.equal(await page.locator('.top [aria-pressed=true]').innerText(), 'bob');
});

walk('the form loses nothing, and the JSON is the same', async (page) => {
  await go(page, 'tools', 'place_order');
  await as(page, 'bob');
  await page.getByRole('textbox', { name: /^count/ }).fill('3');
  await page.getByRole('textbox', { name: /^number/ }).fill('18446744073709551615');
  const note = page.getByRole('group', { name: 'How note is sent' });
  await note.getByRole('button', { name: 'value' }).click();
  await page.getByRole('group', { name: 'parcel' }).getByRole('button', { name: 'fetched' }).click();
  const json = page.getByLabel('Arguments as JSON');
  const sent = await json.inputValue();
  for (const part of ['"count": 3', '"number": 18446744073709551615', '"note": ""', '"parcel": "fetched"']) assert.ok(sent.includes(part), sent);
  // What is written into the JSON is in the form.
  await note.getByRole('button', { name: 'not sent' }).click();
  await json.fill((await json.inputValue()).replace('"fetched"', '"post"'));
  assert.equal(await page.getByRole('group', { name: 'parcel' }).getByRole('button', { name: 'post' }).getAttribute('aria-pressed'), 'true');
  await call(page);
  await page.getByRole('heading', { name: 'Answered' }).waitFor();
  assert.match(await page.locator('.result').innerText(), /"note": null,[^]*"number": 18446744073709551615,[^]*"parcel": "Post"/);
});

walk('the token: a countdown, what it covers, and a scope that is taken away', async (page) => {
  await go(page, 'token');
  await as(page, 'bob');
  const left = await page.locator('.big').innerText();
  await page.waitForFunction((left) => document.querySelector('.big').textContent !== left, left);
  assert.match(await page.locator('.token').innerText(), /matches[^]*this server[^]*orders:write/);
  await page.getByRole('button', { name: 'It lacks orders:read' }).click();
  await page.getByText('implied').waitFor();
  await page.getByRole('button', { name: 'Get a good token' }).click();
  await page.locator('.token .warning').waitFor({ state: 'detached' });
});

walk('messages: a call of another program, its card, replay, edit and replay', async (page) => {
  const answer = await post(server, { token: await server.token('alice', { scope: 'orders:read' }), tool: 'place_order', args: { count: 1 }, agent: 'a-real-host' });
  assert.equal(answer.status, 403);
  // From the trace to the message, and to its card.
  await page.locator('.trace .why').getByRole('link').click();
  await page.locator('.detail .refusal').getByText('the token does not cover “orders:write”').first().waitFor();
  await page.locator('.verdicts').getByText('agrees').first().waitFor();
  assert.match(await page.locator('.detail').innerText(), /from a-real-host/);
  await look(page, 'served-refusal-of-a-host');
  assert.doesNotMatch(await page.content(), /eyJ[\w-]{20}/);
  const rows = await page.locator('.log-row').count();
  await page.getByRole('button', { name: 'Replay', exact: true }).click();
  await page.locator('.log-row').nth(rows).waitFor();
  await page.getByRole('button', { name: 'Edit and replay' }).click();
  const body = page.getByRole('textbox', { name: 'Body' });
  await body.fill((await body.inputValue()).replace('place_order', 'orders').replace('{"count":1}', '{}'));
  const headers = page.getByRole('textbox', { name: 'Headers' });
  await headers.fill((await headers.inputValue()).replace('mcp-name: place_order', 'mcp-name: orders'));
  await page.getByRole('button', { name: 'Send' }).click();
  await page.locator('.log-row').nth(rows + 1).waitFor();
  await page.locator('.log-row').first().click();
  await page.locator('.detail').getByText('the orders of alice').first().waitFor();
});

walk('curl that is copied runs, and its token is the person’s', async (page) => {
  await go(page, 'tools', 'place_order');
  await as(page, 'bob');
  await page.getByRole('textbox', { name: /^count/ }).fill('1');
  await page.getByRole('textbox', { name: /^note/ }).fill(`it's "so"`);
  const command = await copied(page, 'curl');
  const { stdout } = await run('sh', ['-c', command]);
  assert.deepEqual(JSON.parse(stdout).result.structuredContent, { who: 'bob', count: 1, note: `it's "so"`, parcel: null, number: null });
});

walk('TypeScript that is copied runs', async (page) => {
  await go(page, 'tools', 'place_order');
  await as(page, 'bob');
  await page.getByRole('textbox', { name: /^count/ }).fill('4');
  const text = await copied(page, 'TypeScript');
  const { token } = await act(page, { act: 'minute_token', person: 'bob' });
  const folder = mkdtempSync(path.join(import.meta.dirname, 'copied-'));
  try {
    writeFileSync(path.join(folder, 'copied.ts'), text);
    const { stdout } = await run(process.execPath, ['copied.ts'], { cwd: folder, env: { ...process.env, TOKEN: token } });
    assert.match(stdout, /count: 4,[^]*who: 'bob'/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

// The tests that are compared here are compiled and run by `cargo test`, as a part of the package `integration`.
for (const [tool, file, fill] of [
  ['orders', 'answers.rs', {}],
  ['place_order', 'refused.rs', { count: '2' }],
  ['cancel_order', 'says_what_is_wrong.rs', { number: '7' }],
]) {
  walk(`a Rust test that is copied is the one of ${file}`, async (page) => {
    await go(page, 'tools', tool);
    await as(page, 'alice');
    for (const [field, value] of Object.entries(fill)) await page.getByRole('textbox', { name: new RegExp(`^${field}`) }).fill(value);
    await call(page);
    await page.locator('.run .card').first().waitFor();
    const text = await copied(page, 'a Rust test');
    const tested = readFileSync(path.join(process.env.COPIED_RUST, file), 'utf8');
    assert.equal(tested.slice(tested.indexOf('use serde_json')), text);
  });
}

for (const era of ['2026-07-28', '2025-11-25']) {
  walk(`consent without leaving, in ${era}`, async (page, context) => {
    await go(page, 'tools', 'list_issues');
    await page.getByTitle('Version of the protocol').selectOption(era);
    await as(page, 'bob');
    await act(page, { act: 'disconnect', person: 'bob', provider: 'forge' });
    for (const [field, value] of [['owner', 'alice'], ['repo', 'compass']]) await page.getByRole('textbox', { name: new RegExp(`^${field}`) }).fill(value);
    await call(page);
    await page.getByText('Waits for bob: no forge account is connected').waitFor();
    await consent(await windowOf(context, () => page.getByRole('button', { name: 'Connect forge' }).click()), 'bob');
    await page.getByRole('heading', { name: 'Answered' }).waitFor();
    await page.locator('.trace').getByText('forge is connected').waitFor();
    // Both legs are in one line of time.
    assert.match(await page.locator('.trace').innerText(), /Host → this server[^]*Person, in the browser[^]*This server → provider[^]*Code exchanged for a token[^]*GET \/repos/);
    assert.ok((await page.locator('.rounds li').count()) >= 2);
  });
}

walk('a widget with scopes and without, on an origin of its own', async (page) => {
  await go(page, 'widget', 'order_board');
  const person = page.getByRole('group', { name: 'As', exact: true });
  await person.getByRole('button', { name: 'bob' }).click();
  const frame = page.frameLocator('iframe');
  await frame.getByText('9007199254740992 of bob').or(frame.getByText('9007199254740993 of bob')).waitFor();
  const origin = await page.evaluate(() => new URL(document.querySelector('iframe').src).origin);
  assert.match(origin, /^http:\/\/localhost:/);
  assert.notEqual(new URL(origin).port, new URL(server.url).port);
  await page.locator('.notes').getByText('the board is drawn').first().waitFor();
  await page.locator('.notes').getByText('https://tracker.example').first().waitFor();
  await frame.getByRole('button', { name: 'Order one more' }).click();
  await frame.getByText(/^ordered .*"bob"/).waitFor();
  await look(page, 'served-widget');
  // Alice may read, and not order.
  await person.getByRole('button', { name: 'alice' }).click();
  await frame.getByText('7 of alice').waitFor();
  await frame.getByRole('button', { name: 'Order one more' }).click();
  await frame.getByText(/^refused/).waitFor();
  // Without the scope of the tool the page is there, and the card says why it is empty.
  await act(page, { act: 'drop_scope', person: 'alice', scope: 'orders:read' });
  await page.getByRole('button', { name: 'Reload' }).click();
  await card(page).getByText('the token does not cover “orders:read”').waitFor();
  await act(page, { act: 'renew', person: 'alice' });
});

walk('a call is saved as a file, found again, and run', async (page) => {
  await go(page, 'tools', 'place_order');
  await as(page, 'alice');
  await page.getByRole('textbox', { name: /^count/ }).fill('2');
  await call(page);
  await card(page).waitFor();
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.locator('#save-name').fill('may-not');
  await page.keyboard.press('Enter');
  await page.getByText('Saved as calls/may-not.json').waitFor();
  const file = path.join(server.data, 'calls', 'may-not.json');
  assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), { tool: 'place_order', person: 'alice', arguments: { count: 2 }, expect: { outcome: '403' } });
  await go(page, 'saved');
  const saved = page.getByRole('listitem').filter({ hasText: 'calls/may-not.json' });
  await saved.getByRole('button', { name: 'Run' }).click();
  await saved.getByText('passes').waitFor();
  writeFileSync(file, readFileSync(file, 'utf8').replace('403', 'result'));
  await saved.getByRole('button', { name: 'Run' }).click();
  await saved.getByText('fails').waitFor();
  await saved.getByRole('button', { name: 'Remove' }).click();
  await saved.waitFor({ state: 'detached' });
});

walk('the doctor says the same as on the command line', async (page) => {
  await go(page, 'doctor');
  await page.getByRole('status').filter({ hasText: 'All is well' }).waitFor();
  const names = await page.locator('.checks-list b').allInnerTexts();
  const data = mkdtempSync(path.join(tmpdir(), 'inspector-'));
  try {
    const { stdout } = await run(process.env.INSPECTED_FORGE, ['--doctor'], { env: { ...process.env, TOOLGATE_DATA: data } });
    for (const name of names) assert.ok(stdout.includes(name), `${name} is not in:\n${stdout}`);
  } finally {
    rmSync(data, { recursive: true });
  }
});

walk('a session is recorded without secrets, and hosts are told how to connect', async (page) => {
  await go(page, 'tools', 'cancel_order');
  await page.getByRole('textbox', { name: /^number/ }).fill('3141592653');
  await call(page);
  await card(page).waitFor();
  await go(page, 'session');
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save as a file' }).click();
  const record = readFileSync(await (await download).path(), 'utf8');
  assert.ok(JSON.parse(record));
  assert.match(record, /call_ended[^]*cancel_order/);
  assert.doesNotMatch(record, /\.eyJ|3141592653/);
  await go(page, 'hosts');
  for (const host of ['Claude Code', 'Claude Desktop', 'Cursor', 'VS Code', 'Codex', 'Gemini CLI']) {
    const one = page.locator('details').filter({ has: page.getByText(host, { exact: true }) });
    if (!(await one.evaluate((details) => details.open))) await one.locator('summary').click();
    assert.ok((await one.innerText()).includes(`${server.url}/mcp`) || (await one.locator('a').count()), host);
  }
});

walk('the header is one line at every width', async (page) => {
  for (const width of [390, 600, 800, 1024, 1600]) {
    await page.setViewportSize({ width, height: 844 });
    const outside = await page.evaluate(() => {
      const top = document.querySelector('.top').getBoundingClientRect();
      const out = ({ left, right, top: upper, bottom, width }) => width > 1 && (upper < top.top - 1 || bottom > top.bottom + 1 || right > top.right + 1 || left < top.left - 1);
      return [...document.querySelectorAll('.top *')].filter((element) => out(element.getBoundingClientRect())).map((element) => element.outerHTML.slice(0, 120));
    });
    assert.deepEqual(outside, [], `at ${width}`);
  }
});

test('what changed between two starts', MAX_TEST, async (t) => {
  const data = mkdtempSync(path.join(tmpdir(), 'inspector-'));
  t.after(() => rmSync(data, { recursive: true, force: true }));
  const first = await serve({ data });
  await first.close();
  const second = await serve({ data, env: { MORE_TOOLS: '1' } });
  t.after(() => second.close());
  const { page, context } = await open(browser, second);
  await go(page, 'changes');
  await page.locator('.change').getByText('refund').first().waitFor();
  assert.match(await page.locator('main').innerText(), /refund\s*added/);
  assert.equal(await page.locator('.change').count(), 1);
  await context.close();
});
