// Every view in all forms: it fits, and axe finds nothing.
import assert from 'node:assert/strict';
import { call, control, go, look } from './browser.mjs';
import { walk } from './walk.mjs';

const VIEWS = {
  answered: async (page) => {
    await call(page);
    await page.locator('.result').waitFor();
  },
  refused: async (page) => {
    await go(page, 'tools', 'open_issue');
    await page.getByRole('heading', { name: 'open_issue' }).waitFor({ state: 'attached' });
    await call(page);
    await page.locator('.refusal').waitFor();
    await page.locator('.rows li').nth(4).waitFor({ state: 'attached' });
  },
  everything: async (page) => {
    await go(page, 'tools', 'search_everything');
    const summary = page.locator('.as-json summary');
    await summary.waitFor();
    if (!(await page.getByLabel('Arguments as JSON').isVisible())) await summary.click();
    await page.getByLabel('Arguments as JSON').fill('{"query": "needle", "since": null, "labels": [{"name": "a", "weight": 3}], "days": ["mon"], "target": {"kind": "sms", "phone": "1"}, "options": {"a": "b"}, "filter": {"x": [1, 2]}, "state": "open"}');
  },
  people: (page) => go(page, 'people').then(() => page.locator('.matrix').waitFor()),
  token: (page) => go(page, 'token').then(() => page.locator('.big').waitFor()),
  messages: async (page) => {
    await call(page);
    await page.locator('.result').waitFor();
    await go(page, 'log');
    await page.locator('.log-row').first().click();
    await page.locator('.detail').waitFor();
  },
  doctor: (page) => go(page, 'doctor').then(() => page.locator('.checks-list').waitFor()),
  changes: (page) => go(page, 'changes').then(() => page.locator('.change').first().waitFor()),
  build: async (page) => {
    await control(page, { test: 'build', state: 'failed' });
    await go(page, 'build');
    await page.locator('.ansi').nth(1).waitFor();
  },
  building: async (page) => {
    await control(page, { test: 'build', state: 'building' });
    await go(page, 'tools', 'list_repositories');
    await page.locator('.build-state.busy').waitFor();
  },
  saved: (page) => go(page, 'saved').then(() => page.locator('.list').waitFor()),
  record: (page) => go(page, 'session').then(() => page.getByText('Save as a file').waitFor()),
  hosts: (page) => go(page, 'hosts').then(() => page.locator('.host-list').waitFor()),
  resource: (page) => go(page, 'resource', 'table').then(() => page.locator('.uri').waitFor()),
  widget: (page) => go(page, 'widget', 'issue_board').then(() => page.frameLocator('iframe').getByText('2 issues').waitFor()),
};
const FORMS = [[390, 844], [1600, 1000]].flatMap(([width, height]) => ['light', 'dark'].map((colorScheme) => ({ viewport: { width, height }, colorScheme, reducedMotion: colorScheme === 'dark' ? 'reduce' : 'no-preference' })));

for (const form of FORMS) {
  const { width } = form.viewport;
  walk(`every view at ${width} pixels, ${form.colorScheme}: fits, and axe finds nothing`, async (page) => {
    for (const [name, show] of Object.entries(VIEWS)) {
      await go(page, 'tools', 'list_repositories');
      await page.getByRole('heading', { name: 'list_repositories' }).waitFor({ state: 'attached' });
      await show(page);
      if (form.reducedMotion === 'reduce') assert.equal(await page.evaluate(() => document.getAnimations().length), 0, `${name} moves`);
      // What is not a colour is the same in both.
      await look(page, `${name}-${width}-${form.colorScheme}`, form.colorScheme === 'dark' ? ['color-contrast'] : undefined);
      if (width === 390 && name === 'refused') {
        for (const [tab, shown] of [['Trace', '.trace'], ['Tools', '.nav'], ['Call', 'main']]) {
          await page.locator('.tabs').getByRole('button', { name: tab }).click();
          assert.ok(await page.locator(shown).isVisible());
          await look(page, `${name}-${tab.toLowerCase()}-${width}-${form.colorScheme}`);
        }
      }
    }
  }, form);
}

walk('nothing is cut off between a phone and a wide screen', async (page) => {
  await VIEWS.refused(page);
  for (const width of [600, 800, 1000, 1200]) {
    await page.setViewportSize({ width, height: 800 });
    await look(page, `refused-${width}-light`, ['color-contrast']);
  }
});
