// node pictures.mjs [FOLDER] - the eight pictures of docs/inspector.md, of real servers. Six are of the quickstart;
// a refresh for which 49 calls wait, and a form with more kinds of fields, are of the program `inspected_forge`.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { call, go, launch, open } from '../browser/browser.mjs';
import { start } from '../quickstart/program.mjs';
import { withPalette } from './palette.mjs';
import { consent, windowOf } from './people.mjs';
import { serve, waitTogether } from './server.mjs';

const folder = path.resolve(process.argv[2] ?? fileURLToPath(new URL('../../../docs/inspector', import.meta.url)));
mkdirSync(folder, { recursive: true });
const browser = await launch();
const WIDE = { width: 1280, height: 800 };
const ADDRESS = '127.0.0.1:8765';

async function picture(name, begin, show, { colorScheme = 'light', viewport = WIDE } = {}) {
  const server = await begin();
  const { page, context } = await open(browser, server, { colorScheme, viewport, reducedMotion: 'reduce' });
  try {
    await show(page, context, server);
    await page.mouse.move(0, 0);
    await page.evaluate(() => document.activeElement?.blur());
    writeFileSync(path.join(folder, `${name}.png`), withPalette(await page.screenshot()));
    console.log(name);
  } finally {
    await context.close();
    await server.close();
  }
}
const quickstart = () => start(process.env.QUICKSTART, { address: ADDRESS });
const forge = () => serve({ address: ADDRESS });
const fill = async (page, values) => {
  for (const [field, value] of Object.entries(values)) await page.getByRole('textbox', { name: new RegExp(`^${field}`) }).fill(value);
};
const answered = (page) => page.getByRole('heading', { name: 'Answered' }).waitFor();
const repository = { owner: 'alice', repo: 'compass' };

/** Signs in at the quickstart, from the refusal of the first call. */
async function signIn(page, context, user = 'alice') {
  await call(page);
  await consent(await windowOf(context, () => page.locator('.refusal').getByRole('button', { name: 'Sign in' }).click()), user);
  await answered(page);
}
/** Another person in the same browser, who has no cookies of the first one. */
async function signInAnother(page, context, user) {
  const kept = (await context.cookies()).filter(({ name }) => name.startsWith('toolgate-inspector'));
  await context.clearCookies();
  await context.addCookies(kept);
  await consent(await windowOf(context, () => page.getByRole('button', { name: 'Sign in another person' }).click()), user);
  await page.locator('.top').getByRole('button', { name: user, exact: true }).waitFor();
}

await picture('first-call', quickstart, async (page, context) => {
  await signIn(page, context);
  await page.getByRole('button', { name: 'Clear', exact: true }).click();
  await call(page);
  await answered(page);
  await page.locator('.trace').getByText('list_repositories answered').waitFor();
});
await picture('refusal', quickstart, async (page, context) => {
  await signIn(page, context);
  await go(page, 'tools', 'open_issue');
  await fill(page, { ...repository, title: 'The needle sticks' });
  await call(page);
  await page.locator('.refusal').getByText('repo:write').first().waitFor();
}, { viewport: { width: 1280, height: 960 } });
await picture('both-legs', quickstart, async (page, context) => {
  await signIn(page, context);
  await page.locator('.trace').getByText('list_repositories answered').waitFor();
  await page.locator('.trace').getByRole('button', { name: /How the host signed in/ }).click();
}, { colorScheme: 'dark', viewport: { width: 1280, height: 1040 } });
await picture('refresh', forge, async (page, context, server) => {
  await go(page, 'tools', 'list_issues');
  await fill(page, repository);
  await call(page);
  await consent(await windowOf(context, () => page.getByRole('button', { name: 'Connect forge' }).click()));
  await answered(page);
  const waiters = await waitTogether(server, repository);
  await page.locator('.picker option').nth(10).waitFor({ state: 'attached' });
  const shown = await page.locator('.picker option').evaluateAll((options) => options.map(({ value }) => value));
  await page.locator('.picker').selectOption(shown.find((span) => waiters.has(span)));
  await page.getByText('49 calls waited for it').waitFor();
}, { colorScheme: 'dark' });
await picture('people', quickstart, async (page, context) => {
  await signIn(page, context);
  await go(page, 'tools', 'open_issue');
  await fill(page, { ...repository, title: 'The needle sticks' });
  await call(page);
  await consent(await windowOf(context, () => page.locator('.refusal').getByRole('button', { name: /^Allow repo:write/ }).click()));
  await answered(page);
  await signInAnother(page, context, 'bob');
  await go(page, 'people');
  await page.getByRole('row', { name: /open_issue/ }).getByRole('button', { name: 'Compare' }).click();
  await page.getByRole('button', { name: 'Call as both' }).click();
  await page.locator('.sides > div').nth(1).waitFor();
  await page.locator('.sides .refusal').waitFor();
}, { viewport: { width: 1280, height: 960 } });
await picture('token', quickstart, async (page, context) => {
  await signIn(page, context);
  await go(page, 'token');
  await page.locator('.big').waitFor();
});
await picture('form', forge, async (page) => {
  await go(page, 'tools', 'place_order');
  await page.getByLabel('Arguments as JSON').fill('{\n  "count": 3,\n  "note": "For the attic",\n  "parcel": "fetched",\n  "number": 18446744073709551615\n}');
});
await picture('phone', quickstart, async (page, context) => {
  await signIn(page, context);
  await go(page, 'tools', 'open_issue');
  await fill(page, { ...repository, title: 'The needle sticks' });
  await call(page);
  await page.locator('.refusal').getByText('repo:write').first().waitFor();
}, { viewport: { width: 390, height: 844 } });
await browser.close();
