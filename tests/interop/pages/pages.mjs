// Walks to every page that a person may see, and looks at it in four forms.
//   node pages.mjs URL FAULTY_URL SPARING_URL PUBLIC_URL
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import { chromium } from 'playwright-core';

const [good, faulty, sparing, open_to_all] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'.split(' '),
});
const seen = new Map();
// The host's, on the person's own machine: where it waits for its user.
const host = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<title>The editor</title>'));
await once(host.listen(0, '127.0.0.1'), 'listening');
const callback = `http://127.0.0.1:${host.address().port}/callback`;

/** A person with a separate browser, in which no script runs. */
async function person() {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
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
async function keep(name, { page, complaints, response }, title, cached = 'no-store') {
  assert.match(await page.title(), title, `${name} at ${page.url()}: ${await page.content()}`);
  const headers = response().headers();
  const policy = headers['content-security-policy'];
  assert.match(policy, /default-src 'none'/, name);
  assert.match(policy, /frame-ancestors 'none'/, name);
  assert.doesNotMatch(policy, /unsafe-/, name);
  assert.equal(headers['cache-control'], cached, name);
  assert.equal(headers['x-content-type-options'], 'nosniff', name);
  const html = await page.content();
  assert.doesNotMatch(html, /<script|\son[a-z]+=|\sstyle=/, `${name} needs no script, and has no inline style`);
  assert.match(await page.title(), / · (Acme Tools|acme-tools)$/, `${name} names the server`);
  assert.equal(await page.locator('header.site').count(), 1, `${name} shows the server`);
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
  const decided = page.locator(`button[value=${decision}]`);
  await decided.waitFor();
  const moved = page.waitForEvent('framenavigated');
  await decided.click();
  await moved;
  await page.waitForLoadState();
}

/** The link that a call of alice's is answered with. */
async function link(server, tool = 'list_issues', token = undefined) {
  token ??= await (await fetch(`${server}/dev/token?user=alice`)).text();
  const meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} };
  const params = { name: tool, arguments: { owner: 'alice', repo: 'compass' }, _meta: meta };
  const answer = await fetch(`${server}/mcp`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': tool,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }),
  });
  return (await answer.text()).match(/http:[0-9.:/]*(?:\/connect|\/oauth\/step-up)\/[\w.-]*[\w-]/)[0];
}

/** A host that has registered: where it sends its user. */
async function authorization(server, redirect = callback, scope = 'orders:read orders:write') {
  const registered = await fetch(`${server}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ client_name: 'An editor', redirect_uris: [callback], token_endpoint_auth_method: 'none' }),
  });
  const { client_id } = await registered.json();
  const query = new URLSearchParams({
    response_type: 'code',
    client_id,
    redirect_uri: redirect,
    state: 'of-the-editor',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
    scope,
    resource: `${server}/mcp`,
  });
  return `${server}/oauth/authorize?${query}`;
}

/** The access token for the code that a host was sent. */
async function redeem(server, url, code) {
  const form = {
    grant_type: 'authorization_code',
    code,
    client_id: new URL(url).searchParams.get('client_id'),
    redirect_uri: callback,
    code_verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
    resource: `${server}/mcp`,
  };
  const answer = await fetch(`${server}/oauth/token`, { method: 'POST', body: new URLSearchParams(form) });
  return (await answer.json()).access_token;
}

/** The parameters of the host's callback. */
function answer({ page }) {
  assert.ok(page.url().startsWith(`${callback}?`), page.url());
  return Object.fromEntries(new URL(page.url()).searchParams);
}

/** Opens a link as a person, through the sign-in if there is one. */
async function open(who, url, name) {
  await who.page.goto(url);
  if (/^Allow/.test(await who.page.title())) await press(who.page, 'Allow');
  // Again for a person who has granted more before, which is known only after the sign-in.
  for (let times = 0; times < 2 && /^Who are you/.test(await who.page.title()); times++) await press(who.page, name);
}

// A host signs its user in.
const user = await person();
const sign_in = await authorization(good);
await user.page.goto(sign_in);
await keep('consent', user, /^Allow An editor to use Acme\?/);
await press(user.page, 'Allow');
await keep('sign-in', user, /^Who are you\?/);
await press(user.page, 'alice');
assert.equal(await user.page.title(), 'The editor', user.page.url());
const editors_token = await redeem(good, sign_in, answer(user).code);
assert.ok(editors_token, user.page.url());

// The host has fewer scopes than a tool needs.
const reads_only = await person();
const with_less = await authorization(good, callback, 'orders:read');
await open(reads_only, with_less, 'bob');
const lesser_token = await redeem(good, with_less, answer(reads_only).code);
await reads_only.page.goto(await link(good, 'place_order', lesser_token));
await keep('step-up', reads_only, /^An editor asks for more/);
await press(reads_only.page, 'Allow');
if (/^Who are you/.test(await reads_only.page.title())) await press(reads_only.page, 'bob');
await keep('stepped up', reads_only, /^It may do more now/);

// Or the person refuses: the host gets an error and learns nothing else.
const wary = await person();
await wary.page.goto(await authorization(good));
await press(wary.page, 'Deny');
assert.equal(await wary.page.title(), 'The editor', wary.page.url());
const { error_description, ...denied } = answer(wary);
assert.deepEqual(denied, { error: 'access_denied', state: 'of-the-editor', iss: good }, error_description);
assert.deepEqual(wary.complaints, [], 'the way back is allowed');
await wary.page.goto(await authorization(good));
await keep('consent after a refusal', wary, /^Allow An editor to use Acme\?/);
const stopped = await person();
await stopped.page.goto(await authorization(good, 'https://evil.example/callback'));
await keep('stopped', stopped, /cannot go on/);

// A tool's link.
const bob = await person();
await open(bob, await link(good), 'bob');
await keep('wrong person', bob, /^This link is for another person/);
const refuser = await person();
await open(refuser, await link(good), 'alice');
await atForge(refuser.page, 'deny');
await keep('refused', refuser, /^Forge is not connected/);
const alice = await person();
await open(alice, await link(good), 'alice');
await atForge(alice.page, 'approve');
await keep('connected', alice, /^Forge is connected/);
assert.doesNotMatch(await alice.page.content(), /Not granted/);
const used = alice.page.url();
// The account was connected through one application, and another one needs it.
await alice.page.goto(await link(good, 'list_issues', editors_token));
await keep('another application', alice, /^An editor wants to use your Forge account/);
await press(alice.page, 'Allow');
await keep('another application is allowed', alice, /^An editor may use your Forge account/);
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

// A provider that is elsewhere for each person, who says where.
const agent = await person();
await open(agent, await link(good, 'list_tickets'), 'alice');
await keep('address', agent, /^Where is your Desks\?/);
const subdomain = agent.page.getByLabel('The subdomain of your help desk');
await subdomain.fill('acme.evil.example');
await press(agent.page, 'Continue to Desks');
await keep('address with an error', agent, /^Where is your Desks\?/);
assert.equal(await subdomain.inputValue(), 'acme.evil.example', 'what was typed is there to be corrected');
assert.match(await subdomain.getAttribute('aria-describedby'), /error.*hint/);
assert.equal(await subdomain.evaluate((field) => document.activeElement === field), true);
await subdomain.fill('Acme');
await press(agent.page, 'Continue to Desks');
assert.match(agent.page.url(), /\/acme\.desks\.example\/oauth\/authorize/);
assert.deepEqual(agent.complaints, [], 'the way to the provider is allowed');

// A provider where a person has several accounts.
async function atGitHub(page, account) {
  await page.locator(`input[name=account][value=${account}]`).check();
  // The stand-in leads back by a page of its own.
  await Promise.all([page.waitForURL(/\/callback\/github/), page.locator('button[value=approve]').click()]);
  await page.waitForLoadState();
}
const owner = await person();
await open(owner, await link(good, 'list_notifications'), 'alice');
await atGitHub(owner.page, 'alice');
await keep('one account', owner, /^GitHub is connected/);
await press(owner.page, 'your accounts');
await keep('accounts with one', owner, /^Your accounts/);
await press(owner.page, 'Connect another account of GitHub');
await atGitHub(owner.page, 'bob');
await keep('another account', owner, /^GitHub is connected as bob/);
assert.deepEqual(owner.complaints, [], 'the way to the provider is allowed');
await press(owner.page, 'your accounts');
await keep('several accounts', owner, /^Your accounts/);
const name = owner.page.getByLabel('Your name for bob');
await name.fill('alice');
await press(owner.page, 'Rename bob');
await keep('accounts with an error', owner, /^Your accounts/);
assert.equal(await name.inputValue(), 'alice', 'what was typed is there to be corrected');
assert.match(await name.getAttribute('aria-describedby'), /error/);
assert.equal(await name.evaluate((field) => document.activeElement === field), true);
await name.fill('home');
await press(owner.page, 'Rename bob');
await press(owner.page, 'Use home by default');
await keep('another default', owner, /^Your accounts/);
await press(owner.page, 'Disconnect alice');
await keep('one of several disconnected', owner, /^alice is disconnected/);

// The page for people, for strangers and for a person who is signed in, at both of its addresses.
const hosts = ['Claude Code', 'Claude.ai', 'ChatGPT', 'Codex', 'Cursor', 'VS Code', 'opencode'];
const stranger = await person();
await stranger.page.goto(`${good}/`);
await keep('landing for strangers', stranger, /^Connect to Acme Tools/);
assert.doesNotMatch(await stranger.page.content(), /list_issues|repo:read|before you delete it/);
await stranger.page.goto(`${good}/mcp`);
await keep('landing at the endpoint', stranger, /^Connect to Acme Tools/);
await press(stranger.page, 'Sign in');
assert.match(await stranger.page.title(), /^(Allow|Who are you)/);
await alice.page.goto(`${good}/`);
await keep('landing for a person', alice, /^Connect to Acme Tools/);
const summaries = await alice.page.locator('summary').allTextContents();
assert.deepEqual(hosts.filter((host) => !summaries.includes(host)), []);
const landing = await alice.page.content();
for (const shown of ['list_issues', 'repo:delete', 'orders:read', 'before you delete it', `claude mcp add --transport http `, `codex mcp add `]) assert.ok(landing.includes(shown), shown);
assert.ok((await alice.page.locator('.copy').allTextContents()).includes(`${good}/mcp`));
// By keyboard: each host opens, and is seen to have the focus.
for (const host of hosts) {
  const summary = alice.page.locator('summary', { hasText: new RegExp(`^${host.replace('.', '[.]')}$`) });
  await summary.focus();
  await alice.page.keyboard.press('Enter');
  assert.ok(await summary.locator('..').locator('.copy, p').first().isVisible(), host);
}
await keep('landing with all hosts open', alice, /^Connect to Acme Tools/);
const visitor = await person();
await visitor.page.goto(`${open_to_all}/`);
await keep('landing without a sign-in', visitor, /^Connect to acme-tools/, 'no-cache');
assert.match(await visitor.page.content(), /list_issues/);
assert.equal(await visitor.page.locator('header.site img').count(), 0);

// A server that its provider does not accept.
const victim = await person();
await open(victim, await link(faulty), 'alice');
await atForge(victim.page, 'approve');
await keep("the operator's fault", victim, /^Forge is not connected/);

// A provider that grants less than it was asked for.
const carol = await person();
await open(carol, await link(sparing, 'delete_repository'), 'alice');
await atForge(carol.page, 'approve');
await keep('connected in part', carol, /^Forge is connected/);
const [granted, withheld] = (await carol.page.content()).split('Not granted, although it was asked for');
assert.ok(withheld && granted.includes('repo:read') && !granted.includes('repo:delete'), granted);
assert.match(withheld, /<code>repo:delete<\/code>.*only an administrator of Forge/);

// What is looked for would be found: a page that does what ours must not.
const control = await person();
await control.page.route('**', (route) =>
  route.fulfill({ contentType: 'text/html', headers: { 'content-security-policy': "default-src 'none'" }, body: '<title>Faulty</title><p style="color:#eee">pale</p>' }));
const complaint = control.page.waitForEvent('console');
await control.page.goto('http://faulty.example/');
await complaint;
assert.equal(control.complaints.length, 1, 'what is blocked is noticed');

/** The forms that every page is looked at in: two widths, light and dark. */
const forms = [];
for (const [width, height] of [[390, 844], [1280, 800]]) {
  for (const colorScheme of ['light', 'dark']) {
    forms.push({ name: `${width}-${colorScheme}`, context: await browser.newContext({ viewport: { width, height }, colorScheme }) });
  }
}

/** A page in one form: how much too wide it is, and axe's serious faults. */
async function look({ url, html }, { context }, kept) {
  const page = await context.newPage();
  // As it was sent, but for the policy, which would keep axe out.
  await page.route('**', (route) => (route.request().resourceType() === 'document' ? route.fulfill({ contentType: 'text/html; charset=utf-8', body: html }) : route.continue()));
  await page.goto(url);
  const wide = await page.evaluate(() => document.scrollingElement.scrollWidth - innerWidth);
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  const faults = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  if (kept) await page.screenshot({ path: path.join(process.env.ARTEFACTS, kept), fullPage: true });
  await page.close();
  return { wide, faults: faults.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`)}`) };
}

const bad = { url: good, html: '<html lang="en"><title>Faulty</title><p style="color:#eee;background:#fff;width:200vw">pale</p>' };
const found = await look(bad, forms[0]);
assert.ok(found.wide > 0 && found.faults.some((fault) => fault.startsWith('color-contrast')), JSON.stringify(found));

for (const [name, sent] of seen) {
  await Promise.all(forms.map(async (form) => {
    const kept = `${name.replaceAll(/\W+/g, '-')}-${form.name}.png`;
    const { wide, faults } = await look(sent, form, kept);
    assert.ok(wide <= 0, `${kept}: it is ${wide} pixels too wide`);
    assert.deepEqual(faults, [], kept);
  }));
  console.log(`${name}: without scripts, by keyboard, in 4 forms`);
}
await browser.close();
host.close();
