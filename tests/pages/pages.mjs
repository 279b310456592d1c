// Walks to every page that a person may see, and looks at it in four forms.
//   node pages.mjs URL FAULTY_URL
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { chromium } from 'playwright-core';

const [good, faulty] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'.split(' '),
});
const seen = new Map();

/** Somebody with a browser of their own, in which no script runs. */
async function person() {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const complaints = [];
  // An answer of 4xx is logged as an error, and is what some of these pages are.
  page.on('console', (message) => message.type() === 'error' && !/status of \d+/.test(message.text()) && complaints.push(message.text()));
  let last;
  page.on('response', (response) => {
    const redirects = response.status() >= 300 && response.status() < 400;
    if (response.request().resourceType() === 'document' && !redirects) last = response;
  });
  return { page, complaints, response: () => last };
}

/** Keeps what is on the page under a name, after a look at how it was sent. */
async function keep(name, { page, complaints, response }, title) {
  assert.match(await page.title(), title, `${name} at ${page.url()}: ${await page.content()}`);
  const headers = response().headers();
  const policy = headers['content-security-policy'];
  assert.match(policy, /default-src 'none'/, name);
  assert.match(policy, /frame-ancestors 'none'/, name);
  assert.doesNotMatch(policy, /unsafe-/, name);
  assert.equal(headers['cache-control'], 'no-store', name);
  assert.equal(headers['x-content-type-options'], 'nosniff', name);
  const html = await page.content();
  assert.doesNotMatch(html, /<script|\son[a-z]+=|\sstyle=/, `${name} needs no script, and has no inline style`);
  assert.deepEqual(complaints, [], `${name}: nothing was blocked`);
  seen.set(name, { url: page.url(), html });
}

/** Goes to what is called so by Tab alone, sees where it is, and presses Enter. */
async function press(page, label) {
  for (let tabs = 0; tabs < 20; tabs++) {
    await page.keyboard.press('Tab');
    const focused = page.locator(':focus');
    if (!(await focused.count())) continue;
    const { text, outline } = await focused.evaluate((element) => ({
      text: element.textContent.trim(),
      outline: getComputedStyle(element).outlineStyle,
    }));
    if (text !== label) continue;
    assert.notEqual(outline, 'none', `${label} shows that it has the focus`);
    const moved = page.waitForEvent('framenavigated');
    await page.keyboard.press('Enter');
    await moved;
    return page.waitForLoadState();
  }
  throw new Error(`Tab never comes to ${label} at ${page.url()}`);
}

/** forge's own pages: sign in, and decide. */
async function atForge(page, decision) {
  await page.locator('input[name=user]').fill('alice');
  await page.locator('input[type=password]').fill('alice-password');
  await page.locator('button').first().click();
  await page.locator(`button[value=${decision}]`).click();
  await page.waitForLoadState();
}

/** The link that a call of alice's is answered with. */
async function link(server) {
  const token = await (await fetch(`${server}/dev/token?user=alice`)).text();
  const meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} };
  const params = { name: 'list_issues', arguments: { owner: 'alice', repo: 'compass' }, _meta: meta };
  const answer = await fetch(`${server}/mcp`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'list_issues',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }),
  });
  return (await answer.text()).match(/http:\/\/[0-9.:]*\/connect\/[\w-]+/)[0];
}

/** A host that has registered: where it sends its user. */
async function authorization(server, redirect = 'http://127.0.0.1:7777/callback') {
  const registered = await fetch(`${server}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ client_name: 'An editor', redirect_uris: ['http://127.0.0.1:7777/callback'], token_endpoint_auth_method: 'none' }),
  });
  const { client_id } = await registered.json();
  const query = new URLSearchParams({
    response_type: 'code',
    client_id,
    redirect_uri: redirect,
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
    scope: 'orders:read orders:write',
    resource: `${server}/mcp`,
  });
  return `${server}/oauth/authorize?${query}`;
}

/** Opens a link as somebody, through the sign-in if there is one. */
async function open(who, url, name) {
  await who.page.goto(url);
  if (/^Allow/.test(await who.page.title())) await press(who.page, 'Allow');
  if (await who.page.title() === 'Who are you?') await press(who.page, name);
}

// A host signs its user in.
const user = await person();
await user.page.goto(await authorization(good));
await keep('consent', user, /^Allow An editor to use Acme\?/);
await press(user.page, 'Allow');
await keep('sign-in', user, /^Who are you\?/);
const stopped = await person();
await stopped.page.goto(await authorization(good, 'https://evil.example/callback'));
await keep('stopped', stopped, /cannot go on/);

// A tool's link.
const bob = await person();
await open(bob, await link(good), 'bob');
await keep('wrong person', bob, /^This link is for somebody else/);
const refuser = await person();
await open(refuser, await link(good), 'alice');
await atForge(refuser.page, 'deny');
await keep('refused', refuser, /^Forge is not connected/);
const alice = await person();
await open(alice, await link(good), 'alice');
await atForge(alice.page, 'approve');
await keep('connected', alice, /^Forge is connected/);
const used = alice.page.url();
await press(alice.page, 'your accounts');
await keep('accounts', alice, /^Your accounts/);
await press(alice.page, 'Disconnect Forge');
await keep('disconnected', alice, /^Forge is disconnected/);
await alice.page.goto(used);
await keep('used already', alice, /no longer good|not the browser/);
const late = await person();
await late.page.goto(`${good}/connect/${'x'.repeat(43)}`);
await keep('expired link', late, /^This link is no longer good/);
await late.page.goto(`${good}/callback/forge?code=a&state=${'x'.repeat(43)}`);
await keep('other browser', late, /^This is not the browser that started/);
await late.page.goto(`${good}/callback/forge`);
await keep('no answer', late, /belongs to nothing/);

// A server that its provider does not accept.
const victim = await person();
await open(victim, await link(faulty), 'alice');
await atForge(victim.page, 'approve');
await keep("the operator's fault", victim, /^Forge is not connected/);

// Each page in four forms, as it was sent, but for the policy that would keep axe out.
for (const [name, { url, html }] of seen) {
  for (const [width, height] of [[390, 844], [1280, 800]]) {
    for (const colorScheme of ['light', 'dark']) {
      const context = await browser.newContext({ viewport: { width, height }, colorScheme });
      const page = await context.newPage();
      await page.route('**', (route) => (route.request().resourceType() === 'document' ? route.fulfill({ contentType: 'text/html; charset=utf-8', body: html }) : route.continue()));
      await page.goto(url);
      const form = `${name}, ${width} wide, ${colorScheme}`;
      const wide = await page.evaluate(() => document.scrollingElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `${form}: it is ${wide} pixels too wide`);
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
      const faults = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
      assert.deepEqual(faults.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`)}`), [], form);
      await page.screenshot({ path: path.join(process.env.ARTEFACTS, `${name.replaceAll(/\W+/g, '-')}-${width}-${colorScheme}.png`), fullPage: true });
      await context.close();
    }
  }
  console.log(`${name}: without scripts, by keyboard, in 4 forms`);
}
await browser.close();
