// The page of a written project in the official AppBridge: node widget.mjs NAME URL TOKEN
import assert from 'node:assert/strict';
import { fault, faults, innermost, launch, visit } from '../widgets/browser.mjs';
import { open } from '../widgets/site.mjs';

const [name, server, token] = process.argv.slice(2);
const site = await open('appbridge.js', server, token);
const browser = await launch();
try {
  const { page, errors, shot } = await visit(browser, site.url);
  await page.waitForFunction(() => window.host);
  await page.evaluate(() => window.host.open('who_am_i', {}));
  const frame = await innermost(page, 'main');
  const props = await page.evaluate(() => window.host.view.call());
  const person = props?.structuredContent?.name ?? 'alice';
  await frame.getByText(person).first().waitFor();
  await shot(name);
  assert.deepEqual(await faults(frame), [], 'axe');
  assert.deepEqual(errors, [], 'no error in the console');
  console.log(`${name}: its page shows ${person}`);
} catch (error) {
  await fault(browser, name);
  throw error;
} finally {
  await browser.close();
  site.close();
}
process.exit(0);
