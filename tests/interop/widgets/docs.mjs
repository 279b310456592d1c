// An example of docs/widgets.md in the official AppBridge, and a page that changes meanwhile, whose
// file is LIVE: node docs.mjs NAME URL
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { fault, faults, innermost, launch, visit } from './browser.mjs';
import { open } from './site.mjs';

const [name, server] = process.argv.slice(2);

/** What each is called with, and what a person sees and does. */
const examples = {
  roll: {
    given: { dice: 3 },
    pending: (frame) => frame.getByRole('status').getByText('Rolling').waitFor(),
    shown: (frame) => frame.getByRole('status').getByText('1 2 3').waitFor(),
    // The first page that a user writes, with the library in it.
    heaviest: 12_000,
  },
  live: {
    given: {},
    async shown(frame) {
      await frame.getByText('1 2', { exact: true }).waitFor();
      const file = process.env.LIVE;
      const before = readFileSync(file, 'utf8');
      try {
        for (const title of ['Two', 'Three']) {
          writeFileSync(file, before.replace('One', title));
          await frame.getByRole('heading', { name: title }).waitFor();
          await frame.getByText('1 2', { exact: true }).waitFor();
        }
        writeFileSync(file, before.replace('onchange', "callTool('no_such_tool'); onchange"));
        await frame.getByText('the view of `live` calls `no_such_tool`').waitFor();
      } finally {
        writeFileSync(file, before);
      }
      await frame.getByRole('heading', { name: 'One' }).waitFor();
    },
  },
  ship: { given: { name: 'Argo' }, shown: (frame) => frame.getByText('A map').waitFor() },
  board: {
    given: {},
    async shown(frame, events) {
      await frame.getByRole('button', { name: 'Close issue 1' }).press('Enter');
      await frame.getByRole('status').getByText('Allow repo:write first').waitFor();
      await frame.page().waitForFunction(() => window.host.events.some(({ name }) => name === 'link'));
      assert.match((await events('link'))[0], new RegExp(`^${new URL(server).origin}/`), 'the link is the server\'s own');
    },
  },
};

const { given, pending, shown, heaviest } = examples[name] ?? {};
assert.ok(shown, `docs/widgets.md has a new example, ${name}: say here what it shows`);
const site = await open('appbridge.js', server);
const browser = await launch();
try {
  const { page, errors, shot } = await visit(browser, site.url);
  const events = (of) => page.evaluate((of) => window.host.events.filter(({ name }) => name === of).map(({ data }) => data), of);
  await page.waitForFunction(() => window.host);
  // A page without the library greets no host, which goes on waiting.
  const opened = page.evaluate(([name, given]) => window.host.open(name, given), [name, given]);
  opened.catch(() => {});
  const frame = await innermost(page, 'main');
  if (name !== 'ship') {
    await opened;
    await pending?.(frame);
    await page.evaluate(() => window.host.view.call());
  }
  await shown(frame, events);
  await shot(`docs-${name}`);
  assert.deepEqual(await faults(frame), [], 'axe');
  assert.deepEqual(errors, [], 'no error in the console');
  const [{ bytes }] = await events('resource');
  assert.ok(bytes < (heaviest ?? 20_000), `${bytes} bytes`);
  console.log(`docs, ${name}: ${bytes} bytes`);
} catch (error) {
  await fault(browser, `docs-${name}`);
  throw error;
} finally {
  await browser.close();
  site.close();
}
process.exit(0);
