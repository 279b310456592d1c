// The first call in the inspector, consent included, whose link `cargo toolgate dev` prints: node inspector.mjs LINK
import assert from 'node:assert/strict';
import { call, launch, open } from '../inspector/browser/browser.mjs';
import { consent, windowOf } from '../inspector/served/people.mjs';

const [link] = process.argv.slice(2);
const browser = await launch();
const { page, context } = await open(browser, { link, url: new URL(link).origin });
page.setDefaultTimeout(60_000);
// A development person calls without a sign-in; the account at the provider is connected once.
await page.locator('nav').getByText('github_profile', { exact: true }).first().click();
await call(page);
await consent(await windowOf(context, () => page.getByRole('button', { name: /^Connect / }).click()));
await page.getByRole('heading', { name: 'Answered' }).waitFor();
assert.match(await page.locator('.result').innerText(), /alice/);
await browser.close();
process.exit(0);
