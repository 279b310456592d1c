// Many calls of another program at a real server: 50 that wait for one refresh, and thousands in the log.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MAX_TEST, call, go, launch, open } from '../browser/browser.mjs';
import { consent, windowOf } from './people.mjs';
import { WAITING, post, serve, waitTogether } from './server.mjs';

/** The log keeps the latest thousand messages. */
const CALLS = Number(process.env.CALLS ?? 2_500);
const AT_ONCE = 24;
/** What a frame may cost while calls come, on average. */
const MAX_MS_OF_A_FRAME = 100;

let browser;
before(async () => (browser = await launch()));
after(async () => browser?.close());

test('50 calls need a refresh: one request is sent, and the trace says who waited', MAX_TEST, async (t) => {
  const server = await serve();
  t.after(() => server.close());
  const { page, context, complaints } = await open(browser, server);
  const issues = { owner: 'alice', repo: 'compass' };
  await go(page, 'tools', 'list_issues');
  for (const [field, value] of Object.entries(issues)) await page.getByRole('textbox', { name: new RegExp(`^${field}`) }).fill(value);
  await call(page);
  await consent(await windowOf(context, () => page.getByRole('button', { name: 'Connect forge' }).click()));
  await page.getByRole('heading', { name: 'Answered' }).waitFor();

  const waiters = await waitTogether(server, issues);
  assert.equal(await server.order('refreshes'), 1, 'the provider saw one request');

  const trace = page.locator('.trace');
  await page.locator('.picker option').nth(10).waitFor({ state: 'attached' });
  // Any of them leads to the refresh.
  const shown = await page.locator('.picker option').evaluateAll((options) => options.map(({ value }) => value));
  await page.locator('.picker').selectOption(shown.find((span) => waiters.has(span)));
  await trace.getByText('49 calls waited for it, one request was sent').waitFor();
  assert.equal(await trace.getByText('Token refreshed').count(), 1);
  await trace.getByText('Waits for the refresh of forge').first().waitFor();
  await trace.getByRole('button', { name: '49 calls waited' }).click();
  await trace.locator('.waiters li').nth(WAITING - 2).waitFor();
  assert.equal(await trace.locator('.waiters li').count(), WAITING - 1);
  await trace.getByText('begun by').getByRole('button').click();
  await trace.getByText('Refresh of the forge token begins').waitFor();
  await trace.getByText('49 calls waited for it, one request was sent').waitFor();
  assert.deepEqual(complaints, []);
  await context.close();
});

test('thousands of calls leave the log bounded, the page awake, and the search working', MAX_TEST, async (t) => {
  const server = await serve();
  t.after(() => server.close());
  const { page, context, complaints } = await open(browser, server);
  await go(page, 'log');
  await page.evaluate(() => {
    window.frames_ = 0;
    const frame = () => {
      window.frames_ += 1;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
  // Time of the processor, because other programs may be running on this machine.
  const protocol = await context.newCDPSession(page);
  await protocol.send('Performance.enable', { timeDomain: 'threadTicks' });
  const worked = async () => (await protocol.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'TaskDuration').value * 1000;
  const before = await worked();
  const token = await server.token();
  let left = CALLS;
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (left-- > 0) assert.equal((await post(server, { token })).status, 200);
  }));
  await post(server, { token, agent: 'the-last-one' });
  await page.getByLabel('Search the messages').fill('the-last-one');
  await page.waitForFunction(() => document.querySelectorAll('.log-row').length === 1);
  const took = (await worked()) - before;
  const frames = await page.evaluate(() => window.frames_);
  console.log(`${CALLS} calls: ${Math.round(took)} ms of work, ${frames} frames, ${(took / frames).toFixed(1)} ms each`);
  assert.ok(took / frames < MAX_MS_OF_A_FRAME, `${took / frames} ms of work for each of ${frames} frames`);
  await page.getByLabel('Search the messages').fill('');
  await page.getByRole('status').filter({ hasText: /^1,000 messages, [\d,]+ older ones dropped/ }).waitFor();
  assert.ok((await page.locator('.log-row').count()) < 60, 'only the rows that are seen are drawn');
  await page.getByLabel('Search the messages').fill('nothing has this');
  await page.getByText('Nothing has these words').waitFor();
  // What a page that comes later gets is bounded as well.
  const later = await open(browser, server);
  await go(later.page, 'log');
  await later.page.getByRole('status').filter({ hasText: /^1,000 messages/ }).waitFor();
  assert.deepEqual([...complaints, ...later.complaints], []);
  await later.context.close();
  await context.close();
});
