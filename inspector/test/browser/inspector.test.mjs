// The page in a browser: a newcomer's walk, each part, each refusal, and by keyboard.
import assert from 'node:assert/strict';
import { serve } from '../fixture/serve.mjs';
import { REFUSALS } from '../fixture/stories.mjs';
import { call, control, go, tabTo } from './browser.mjs';
import { walk } from './walk.mjs';

const sent = async (page) => (await control(page, { test: 'sent' })).at(-1);

walk('the first screen has the tools, and the first click runs one', async (page) => {
  for (const tool of ['list_repositories', 'open_issue', 'delete_repository']) assert.ok(await page.locator('nav').getByText(tool, { exact: true }).first().isVisible());
  await call(page);
  await page.getByRole('heading', { name: 'Answered' }).waitFor();
  assert.match(await page.locator('.result').innerText(), /alice\/compass[^]*9007199254740993/, 'every digit is shown');
  await page.locator('.trace').getByText('list_repositories answered').waitFor();
});

walk('a scope is missing: the card says why, one button mends it, and the trace has both', async (page) => {
  await go(page, 'tools', 'open_issue');
  for (const [field, value] of [['owner', 'alice'], ['repo', 'compass'], ['title', 'The needle sticks']]) await page.getByRole('textbox', { name: new RegExp(`^${field}`) }).fill(value);
  await call(page);
  const card = page.locator('.refusal');
  await card.getByText('the token does not cover “repo:write”').waitFor();
  for (const words of ['repo:read', 'the tool open_issue declares repo:write', '403, insufficient_scope, for alice', 'Claude', 'ChatGPT', 'Cursor', 'VS Code']) assert.match(await card.innerText(), new RegExp(words));
  await card.getByRole('button', { name: 'Allow repo:write for alice' }).click();
  await page.getByRole('heading', { name: 'Answered' }).waitFor();
  const trace = page.locator('.trace');
  await trace.getByText('open_issue answered').waitFor();
  assert.match(await trace.innerText(), /Scope missing[^]*POST \/repos/);
  assert.ok((await page.locator('.rounds li').count()) >= 2);
});

walk('with a broker nobody is signed in at first: one button signs in, and the call goes on', async (page, { context }) => {
  assert.ok(await page.locator('.top').getByRole('button', { name: 'Sign in' }).isVisible());
  await call(page);
  await page.getByText('the request has no token').waitFor();
  const opened = context.waitForEvent('page');
  await page.locator('.refusal').getByRole('button', { name: 'Sign in' }).click();
  const popup = await opened;
  await popup.getByRole('button', { name: 'Allow' }).click();
  await page.getByRole('heading', { name: 'Answered' }).waitFor();
  assert.equal(await page.locator('.top [aria-pressed=true]').innerText(), 'alice');
}, {}, 'broker');

walk('a server that is started again is followed', async (page, { server }) => {
  await call(page);
  await page.locator('.trace').getByText('list_repositories answered').waitFor();
  server.close();
  await page.getByText('The server does not answer').waitFor();
  const again = await serve({ port: Number(new URL(server.url).port), token: new URL(server.link).searchParams.get('token') });
  try {
    await page.getByText('The server was started again').waitFor();
    assert.equal(await page.locator('.rows').count(), 0);
    await call(page);
    await page.locator('.trace').getByText('list_repositories answered').waitFor();
  } finally {
    again.close();
  }
}, { expects: /Failed to (load|fetch)|ERR_/ });

for (const era of ['2026-07-28', '2025-11-25']) {
  walk(`consent without leaving, in ${era}`, async (page, { context }) => {
    await go(page, 'tools', 'list_issues');
    if (era !== '2026-07-28') await page.getByTitle('Version of the protocol').selectOption(era);
    await page.locator('.top').getByRole('button', { name: 'bob' }).click();
    await call(page);
    await page.getByText('Waits for bob: no forge account is connected').waitFor();
    const opened = context.waitForEvent('page');
    await page.getByRole('button', { name: 'Connect forge' }).click();
    const popup = await opened;
    await page.getByText('Waits for bob in the other window').waitFor();
    await popup.getByRole('button', { name: 'Allow' }).click();
    await page.getByRole('heading', { name: 'Answered' }).waitFor();
    const message = JSON.parse(await sent(page));
    if (era === '2026-07-28') assert.deepEqual([message.params.inputResponses, message.params.requestState], [{ forge: { action: 'accept' } }, 'sealed']);
    else assert.equal(message.params.inputResponses, undefined);
    await page.locator('.trace').getByText('forge is connected').waitFor();
    assert.match(await page.locator('.trace').innerText(), /Person, in the browser[^]*This server → provider/);
  });
}

walk('a question of the server is a form, and its answer goes on with the call', async (page) => {
  await control(page, { test: 'ask' });
  await call(page);
  const form = page.locator('.card.ask');
  await form.getByText('Which colour?').waitFor();
  await form.getByRole('group', { name: /^colour/ }).getByRole('button', { name: 'blue' }).click();
  await form.getByRole('textbox', { name: /^count/ }).fill('9007199254740993');
  await form.getByRole('button', { name: 'Answer' }).click();
  await page.getByRole('heading', { name: 'Answered' }).waitFor();
  assert.match(await sent(page), /"inputResponses":\{"q":\{"action":"accept","content":\{"colour":"blue","count":9007199254740993\}\}\},"requestState":"sealed"/);
});

walk('each refusal has its card', async (page) => {
  await go(page, 'tools', 'list_issues');
  for (const [name, [, , ...words]] of Object.entries(REFUSALS)) {
    await control(page, { test: 'refuse', name });
    await call(page);
    const card = page.locator('.refusal').first();
    for (const word of words) await card.getByText(word, { exact: false }).first().waitFor().catch(() => assert.fail(`${name}: “${word}”`));
    await page.getByRole('button', { name: 'Clear', exact: true }).click();
    await card.waitFor({ state: 'detached' });
  }
});

walk('what is typed letter by letter is sent letter for letter', async (page) => {
  await go(page, 'tools', 'search_everything');
  const filter = page.getByRole('textbox', { name: 'filter, as JSON' });
  await filter.pressSequentially('["item-1","item-2"]');
  assert.equal(await filter.inputValue(), '["item-1","item-2"]');
  await filter.press('Backspace');
  assert.equal(await filter.inputValue(), '["item-1","item-2"');
  assert.ok(await page.locator('form button.main[type=submit]').isDisabled(), 'what is not finished is not sent');
  await filter.press('Backspace');
  await filter.pressSequentially('",null]');
  const since = page.getByRole('textbox', { name: /^since/ });
  await page.getByRole('group', { name: 'How since is sent' }).getByRole('button', { name: 'null' }).click();
  await since.pressSequentially('18446744073709551615');
  await page.getByRole('textbox', { name: /^query/ }).fill('a "quoted" \\ text');
  await page.getByRole('group', { name: 'kind' }).getByRole('button', { name: 'null' }).click();
  const json = page.getByLabel('Arguments as JSON');
  assert.match(await json.inputValue(), /"since": 18446744073709551615/);
  // The caret stays where it is, with text on both sides.
  await json.press('Control+Home');
  await json.press('ArrowRight');
  await json.pressSequentially('"extra": 0.10, ');
  assert.match(await json.inputValue(), /^\{"extra": 0\.10, /);
  await page.getByText('Also sent, from the JSON: extra').waitFor();
  await page.getByText('Request metadata').click();
  await page.getByLabel('Request metadata, as JSON').fill('{"own": {"deep": [1, 12345678901234567890]}}');
  await call(page);
  await page.getByRole('heading', { name: 'Answered' }).waitFor();
  const body = await sent(page);
  for (const part of ['"extra":0.10', '"filter":["item-1","item-2",null]', '"since":18446744073709551615', String.raw`"query":"a \"quoted\" \\ text"`, '"kind":null', '"own":{"deep":[1,12345678901234567890]}']) assert.ok(body.includes(part), `${part} in ${body}`);
});

walk('a refresh with 50 calls is shown as one', async (page) => {
  const { calls } = await control(page, { test: 'refresh', waiting: 49 });
  await page.locator('.picker option').nth(10).waitFor({ state: 'attached' });
  await page.locator('.picker').selectOption(calls[30]);
  const trace = page.locator('.trace');
  await trace.getByText('49 calls waited for it, one request was sent').waitFor();
  assert.equal(await trace.getByText('Token refreshed').count(), 1);
  await trace.getByRole('button', { name: '49 calls waited' }).click();
  await trace.locator('.waiters li').nth(48).waitFor();
  assert.equal(await trace.locator('.waiters li').count(), 49);
  await trace.getByText('begun by').getByRole('button').click();
  await page.waitForFunction((begun) => document.querySelector('.picker').value === begun, calls[0]);
  await control(page, { test: 'host' });
  await page.getByRole('button', { name: 'Newest' }).click();
  await trace.getByRole('button', { name: /How the host signed in/ }).click();
  for (const step of ['No token', 'Read where to sign in', 'Claude Code registered', 'Token issued']) await trace.getByText(step).first().waitFor();
});

walk('10 000 calls leave the log bounded and the page awake', async (page, { context }) => {
  await go(page, 'log');
  await page.evaluate(() => {
    window.frames_ = [];
    let last = performance.now();
    const frame = (now) => {
      window.frames_.push(now - last);
      last = now;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
  // Time of the processor, because other programs may be running on this machine.
  const protocol = await context.newCDPSession(page);
  await protocol.send('Performance.enable', { timeDomain: 'threadTicks' });
  const worked = async () => (await protocol.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'TaskDuration').value * 1000;
  const before = await worked();
  await control(page, { test: 'burst', count: 10_000 });
  await page.getByText('9,000 older ones dropped').waitFor();
  const took = (await worked()) - before;
  const frames = await page.evaluate(() => [...window.frames_].sort((one, other) => one - other));
  console.log(`10 000 calls: ${Math.round(took)} ms of work, ${frames.length} frames, half of them within ${frames[Math.floor(frames.length / 2)].toFixed(1)} ms`);
  assert.ok(took < 5000, `${took} ms of work`);
  assert.ok(took / frames.length < 100, `${took / frames.length} ms of work for each of ${frames.length} frames`);
  assert.match(await page.getByRole('status').filter({ hasText: 'messages' }).innerText(), /^1,000 messages/);
  assert.ok((await page.locator('.log-row').count()) < 60, 'only the rows that are seen are drawn');
  const searching = await worked();
  await page.getByLabel('Search the messages').fill('nothing has this');
  await page.getByText('Nothing has these words').waitFor();
  const searched = (await worked()) - searching;
  assert.ok(searched < 3000, `a search takes ${searched} ms of work`);
});

walk('messages: headers against the body, replay, edit and replay', async (page) => {
  await go(page, 'tools', 'list_issues');
  await call(page);
  await page.getByRole('heading', { name: 'Answered' }).waitFor();
  await go(page, 'log');
  await page.locator('.log-rows').focus();
  await page.keyboard.press('ArrowDown');
  await page.locator('.verdicts').getByText('agrees').first().waitFor();
  assert.doesNotMatch(await page.locator('.detail').innerText(), /Bearer ey/);
  await control(page, { test: 'sent' });
  await page.getByRole('button', { name: 'Replay', exact: true }).click();
  await page.locator('.log-row').nth(1).waitFor();
  await page.getByRole('button', { name: 'Edit and replay' }).click();
  await page.getByRole('textbox', { name: 'Headers' }).fill('content-type: application/json\nmcp-protocol-version: 2026-07-28\nmcp-method: tools/list\nmcp-name: list_issues');
  await page.getByRole('textbox', { name: 'Body' }).fill((await sent(page)).replace('"arguments":{}', '"arguments":{"owner": "x"}'));
  await page.getByRole('button', { name: 'Send' }).click();
  await page.getByText('headers differ').waitFor();
  assert.match(await sent(page), /"arguments":\{"owner": "x"\}/);
});

walk('people and tools: one click to another person, and the same call as two', async (page) => {
  await go(page, 'people');
  await page.getByRole('button', { name: /^open_issue as alice: needs step-up/ }).waitFor();
  await page.getByRole('row', { name: /list_issues/ }).getByRole('button', { name: 'Compare' }).click();
  await page.getByRole('button', { name: 'Call as both' }).click();
  await page.locator('.sides').getByText('The needle sticks').waitFor();
  await page.locator('.sides').getByText('Waits for bob: no forge account is connected').waitFor();
  await page.getByRole('button', { name: /^delete_repository as bob: needs step-up/ }).click();
  assert.equal(await page.locator('.top [aria-pressed=true]').innerText(), 'bob');
  await page.getByRole('heading', { name: 'delete_repository' }).waitFor();
});

walk('the token: a countdown, what it covers, and what happens if it breaks', async (page) => {
  await go(page, 'token');
  const left = await page.locator('.big').innerText();
  await page.waitForFunction((left) => document.querySelector('.big').textContent !== left, left);
  assert.match(await page.locator('.token').innerText(), /repo:write[^]*not covered[^]*open_issue/);
  await page.locator('.top').getByRole('button', { name: 'bob' }).click();
  assert.match(await page.getByRole('row', { name: /^repo:read/ }).innerText(), /held/);
  await page.getByRole('button', { name: 'It lacks repo:read' }).click();
  await page.getByText('implied').waitFor();
  for (const [button, words] of [['It expires', 'the token expired'], ['Its signature is wrong', 'the signature of the token is wrong'], ['It is revoked', 'not active']]) {
    await go(page, 'token');
    await page.getByRole('button', { name: button }).click();
    await page.locator('.token .warning').waitFor();
    await go(page, 'tools', 'search_everything');
    await call(page);
    await page.locator('.refusal').getByText(words).first().waitFor();
    await page.getByRole('button', { name: 'Sign in again as bob' }).click();
    await page.getByRole('heading', { name: 'Answered' }).waitFor();
    await page.getByRole('button', { name: 'Clear', exact: true }).click();
  }
});

walk('a call is copied as curl, as a Rust test and as TypeScript', async (page) => {
  await go(page, 'tools', 'open_issue');
  await page.getByRole('textbox', { name: /^title/ }).fill("It's");
  for (const [label, pattern] of [['curl', /^curl -sS http:\/\/127[^]*authorization: Bearer ey[^]*It'\\''s/], ['a Rust test', /#\[tokio::test\]\nasync fn open_issue_answers[^]*json!\(\{ "title": "It's" \}\)/], ['TypeScript', /callTool\(\{\n  name: "open_issue"/]]) {
    if (!(await page.locator('.popup').isVisible())) await page.locator('.menu summary').click();
    await page.getByRole('button', { name: label }).click();
    await page.getByText('Copied').first().waitFor();
    assert.match(await page.evaluate(() => navigator.clipboard.readText()), pattern);
  }
  await page.keyboard.press('Escape');
  assert.ok(!(await page.locator('.popup').isVisible()), 'Escape closes the menu');
});

walk('a widget with scopes and without, its console and what is blocked', async (page) => {
  const loaded = [];
  page.on('request', (request) => loaded.push(new URL(request.url()).pathname));
  await go(page, 'tools', 'issue_board');
  await page.getByRole('button', { name: 'has a widget' }).click();
  const frame = page.frameLocator('iframe');
  await frame.getByText('2 issues').waitFor();
  assert.ok(loaded.includes('/inspector/bridge.js'), 'the bridge comes when it is needed');
  await page.locator('.notes').getByText('the board is drawn').waitFor();
  await page.locator('.notes').getByText('https://tracker.example/').waitFor();
  await page.getByRole('group', { name: 'Theme' }).getByRole('button', { name: 'dark' }).click();
  await page.getByRole('group', { name: 'Device' }).getByRole('button', { name: 'phone' }).click();
  assert.equal(await page.locator('iframe').getAttribute('width'), '390');
  await page.getByRole('group', { name: 'As', exact: true }).getByRole('button', { name: 'bob' }).click();
  await page.getByText('Waits for bob').waitFor();
});

walk('saved calls, the doctor, changes, a record, hosts and resources', async (page) => {
  await call(page);
  await page.getByRole('heading', { name: 'Answered' }).waitFor();
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.locator('#save-name').fill('repos');
  await page.keyboard.press('Enter');
  await page.getByText('Saved as calls/repos.json').waitFor();
  await go(page, 'saved');
  const saved = page.getByRole('listitem').filter({ hasText: 'calls/no-scope.json' });
  await saved.getByText('It expected 403').waitFor();
  await saved.getByRole('button', { name: 'Run' }).click();
  await saved.getByText('passes').waitFor();
  await saved.getByRole('button', { name: 'Open' }).click();
  assert.match(await page.getByLabel('Arguments as JSON').inputValue(), /The needle sticks/);
  await go(page, 'doctor');
  assert.match(await page.locator('.checks-list').innerText(), /^wrong\s+Redirect URIs[^]*Register http/);
  await go(page, 'changes');
  assert.match(await page.locator('main').innerText(), /Calls without title are refused now/);
  await go(page, 'session');
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save as a file' }).click();
  assert.equal((await download).suggestedFilename(), 'quickstart-session.json');
  await go(page, 'hosts');
  for (const host of ['Claude Code', 'Claude Desktop', 'Cursor', 'VS Code', 'Codex', 'Gemini CLI']) assert.ok(await page.getByText(host, { exact: true }).isVisible());
  await go(page, 'resource', 'table');
  await page.getByLabel('schema').fill('main');
  await page.getByLabel('table').fill('a/b c');
  await page.getByText('db://main/a/b%20c').waitFor();
  await page.getByRole('button', { name: 'Read' }).click();
  await page.locator('.result').getByText('rows of db://main/a/b%20c').waitFor();
});

walk('by keyboard alone: find a tool, call it, widen, read why', async (page) => {
  await page.keyboard.press('Tab');
  assert.match(await page.evaluate(() => document.activeElement.textContent), /To the tool/);
  await tabTo(page, 'open_issue');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'open_issue' }).waitFor();
  await page.locator('h1').focus();
  await tabTo(page, 'alice');
  await page.keyboard.press('Enter');
  assert.match(await page.getByLabel('Arguments as JSON').inputValue(), /"owner": "alice"/);
  await tabTo(page, 'Call');
  await page.keyboard.press('Enter');
  await page.locator('.refusal').waitFor();
  await tabTo(page, 'Allow repo:write');
  await page.keyboard.press('Enter');
  await page.locator('.refusal').getByText('“title” does not fit').first().waitFor();
});

walk('a server without a gate has no people', async (page) => {
  await call(page);
  await page.getByRole('heading', { name: 'Answered' }).waitFor();
  assert.equal(await page.locator('.people, .life').count(), 0);
  await page.locator('.trace').getByText('No sign-in needed').waitFor();
}, {}, 'open');
