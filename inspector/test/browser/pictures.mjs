// node pictures.mjs [FOLDER] - the eight pictures of docs/inspector.md.
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { serve } from '../fixture/serve.mjs';
import { call, control, go, launch, open } from './browser.mjs';

const folder = path.resolve(process.argv[2] ?? fileURLToPath(new URL('../../../docs/inspector', import.meta.url)));
mkdirSync(folder, { recursive: true });
const browser = await launch();
const WIDE = { width: 1280, height: 800 };

async function picture(name, show, { colorScheme = 'light', viewport = WIDE } = {}) {
  const server = await serve({ port: 8765 });
  const { page, context } = await open(browser, server, { colorScheme, viewport, reducedMotion: 'reduce' });
  await show(page, context);
  await page.waitForLoadState('networkidle').catch(() => {});
  await page.screenshot({ path: path.join(folder, `${name}.png`) });
  await context.close();
  server.close();
  console.log(name);
}
const fill = async (page, values) => {
  for (const [field, value] of Object.entries(values)) await page.getByRole('textbox', { name: new RegExp(`^${field}`) }).fill(value);
};
const issue = { owner: 'alice', repo: 'compass', title: 'The needle sticks' };

await picture('first-call', async (page) => {
  await call(page);
  await page.locator('.result').waitFor();
  await page.locator('.trace').getByText('list_repositories answered').waitFor();
});
await picture('refusal', async (page) => {
  await go(page, 'tools', 'open_issue');
  await fill(page, issue);
  await call(page);
  await page.locator('.refusal').getByText('repo:write').first().waitFor();
}, { viewport: { width: 1280, height: 960 } });
await picture('both-legs', async (page, context) => {
  await go(page, 'tools', 'list_issues');
  await page.locator('.top').getByRole('button', { name: 'bob' }).click();
  await fill(page, { owner: 'alice', repo: 'compass' });
  await call(page);
  const opened = context.waitForEvent('page');
  await page.getByRole('button', { name: 'Connect forge' }).click();
  await (await opened).getByRole('button', { name: 'Allow' }).click();
  await page.getByRole('heading', { name: 'Answered' }).waitFor();
  await page.locator('.trace').getByText('list_issues answered').waitFor();
}, { colorScheme: 'dark', viewport: { width: 1280, height: 1040 } });
await picture('refresh', async (page) => {
  const { calls } = await control(page, { test: 'refresh', waiting: 49 });
  await page.locator('.picker option').nth(10).waitFor({ state: 'attached' });
  await page.locator('.picker').selectOption(calls[30]);
  await page.getByText('49 calls waited for it').waitFor();
}, { colorScheme: 'dark' });
await picture('people', async (page) => {
  await go(page, 'people');
  await page.locator('.matrix').waitFor();
});
await picture('token', async (page) => {
  await go(page, 'token');
  await page.locator('.big').waitFor();
});
await picture('form', async (page) => {
  await go(page, 'tools', 'search_everything');
  await page.getByLabel('Arguments as JSON').fill('{\n  "query": "needle",\n  "kind": null,\n  "since": 18446744073709551615,\n  "labels": [{ "name": "bug", "weight": 3 }],\n  "target": { "kind": "sms", "phone": "" }\n}');
  await page.evaluate(() => document.activeElement.blur());
});
await picture('phone', async (page) => {
  await go(page, 'tools', 'open_issue');
  await call(page);
  await page.locator('.refusal').getByText('repo:write').first().waitFor();
}, { viewport: { width: 390, height: 844 } });
await browser.close();
