// Builds under the supervisor: what the compiler says, what is served, and what reloads without a build.
import assert from 'node:assert/strict';
import { call, control, go } from './browser.mjs';
import { walk } from './walk.mjs';

const build = (page, state) => control(page, { test: 'build', state });

walk('a build that fails is shown in the words of the compiler, and the previous tools still answer', async (page) => {
  assert.equal(await page.locator('.build-state').count(), 0, 'without a supervisor there are no builds');
  await build(page, 'building');
  await page.locator('.build-state').getByText('building…').waitFor();
  await build(page, 'failed');
  await page.locator('.build-state').getByText('1 error').waitFor();
  const notice = page.locator('.notice.bad');
  assert.match(await notice.innerText(), /The build failed: no field `titel` on type `&Issue` The previous tools still answer/);
  await call(page);
  await page.getByRole('heading', { name: 'Answered' }).waitFor();
  await notice.getByRole('link', { name: 'Show it' }).click();
  const found = page.getByRole('region', { name: /no field/ });
  assert.match(await found.innerText(), /error E0609[^]*src\/main\.rs:7:37[^]*collect::<Vec<_>>\(\) \/\/ <img src=x>[^]*\^\^\^\^\^ unknown field/);
  assert.equal(await page.locator('.ansi img').count(), 0, 'all of it is text');
  const colour = (text) => found.locator('.ansi span', { hasText: text }).first().evaluate((element) => [getComputedStyle(element).color, getComputedStyle(element).fontWeight]);
  const [[red, bold], [plain]] = [await colour('error[E0609]'), await found.locator('.ansi').evaluate((element) => [getComputedStyle(element).color])];
  assert.ok(red !== plain && Number(bold) > 600, `${red} ${plain} ${bold}`);
  await found.getByRole('button', { name: 'Copy' }).click();
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^error\[E0609\]: no field/);
  // What was wrong stays until the next build has ended.
  await build(page, 'building');
  await page.locator('.build-state').getByText('building…').waitFor();
  assert.ok(await found.isVisible());
  await build(page, 'served');
  await page.locator('.build-state').getByText('served in 1.9 s').waitFor();
  assert.equal(await page.locator('.ansi').count(), 0);
  assert.equal(await page.locator('.notice.bad').count(), 0);
});

walk('a program that ends before it is ready is shown with what it wrote', async (page) => {
  await build(page, 'crashed');
  await page.locator('.notice.bad').getByText('The new program ended before it was ready.').waitFor();
  await go(page, 'build');
  await page.locator('.ansi').getByText('two tools are called').waitFor();
});

walk('the state of the build is there for a page that comes later', async (page) => {
  await build(page, 'failed');
  await page.reload();
  await page.locator('.build-state').getByText('1 error').waitFor();
});

walk('a view that was written is loaded again, and so are saved calls', async (page) => {
  await go(page, 'widget', 'issue_board');
  const frame = page.frameLocator('iframe');
  await frame.getByText('2 issues').waitFor();
  const before = await page.locator('iframe').elementHandle();
  await control(page, { test: 'reload', what: 'views', files: ['views/board.html'] });
  await page.waitForFunction((element) => !element.isConnected, before);
  await frame.getByText('2 issues').waitFor();
  const asked = page.waitForResponse(/api\/state/);
  await control(page, { test: 'reload', what: 'calls', files: ['calls/first-page.json'] });
  await asked;
});
