// A browser on the fixture, and the looks that every view is given.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { chromium } from 'playwright-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const artefacts = process.env.ARTEFACTS;

/** How long something may take to be there, in milliseconds: it is for what hangs, and not for what is slow. */
export const MAX_WAIT = 60_000;
/** The same of a whole test. */
export const MAX_TEST = { timeout: 5 * MAX_WAIT };

if (artefacts) mkdirSync(artefacts, { recursive: true });

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'.split(' '),
  });

/** A page of the inspector. What the browser complains about is kept, except what a widget is refused. */
export async function open(browser, server, { expects = /$^/, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: server.url });
  const page = await context.newPage();
  page.setDefaultTimeout(MAX_WAIT);
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && !/tracker\.example/.test(message.text()) && !expects.test(message.text()) && complaints.push(message.text()));
  await page.goto(server.link);
  await page.waitForSelector('main article');
  return { page, context, complaints };
}

/** Goes to a view, and waits until it is there. */
export async function go(page, ...steps) {
  await page.evaluate((hash) => void (location.hash = hash), `#/${steps.map(encodeURIComponent).join('/')}`);
  await page.waitForFunction((name) => document.title.startsWith(`${name} · `), steps[1] ?? steps[0]);
}
export const control = (page, body) => page.evaluate(async (body) => (await fetch('api/test', { method: 'POST', headers: { 'toolgate-inspector': '1' }, body: JSON.stringify(body) })).json(), body);
export const call = (page) => page.locator('form button.main[type=submit]').first().click();

/** Nothing is too wide, nothing has a style attribute, and axe finds nothing. */
export async function look(page, name, rules = undefined) {
  const { wide, styled } = await page.evaluate(() => ({ wide: document.scrollingElement.scrollWidth - innerWidth, styled: [...document.querySelectorAll('[style]:not([style=""])')].map((element) => element.outerHTML.slice(0, 120)) }));
  assert.ok(wide <= 0, `${name}: ${wide} pixels too wide`);
  assert.deepEqual(styled, [], `${name}: style attributes`);
  await page.waitForFunction(() => document.getAnimations().every((animation) => animation.playState !== 'running' || animation.effect.getTiming().iterations === Infinity));
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe);
  const violations = await page.evaluate(async (runOnly) => {
    const { violations } = await window.axe.run(document, { resultTypes: ['violations'], iframes: false, ...(runOnly ? { runOnly } : {}) });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html, failureSummary }) => `${html} ${failureSummary}`).join(' | ')}`);
  }, rules);
  assert.deepEqual(violations, [], name);
  if (artefacts) await page.screenshot({ path: path.join(artefacts, `${name}.png`) });
}

/** Presses Tab until something has the focus that is called so. */
export async function tabTo(page, name, most = 120) {
  for (let pressed = 0; pressed < most; pressed++) {
    await page.keyboard.press('Tab');
    const [text, outlined] = await page.evaluate(() => {
      const element = document.activeElement;
      const style = getComputedStyle(element);
      return [(element.getAttribute('aria-label') ?? element.textContent ?? '').trim(), style.outlineStyle !== 'none' && style.outlineWidth !== '0px'];
    });
    if (!text.startsWith(name)) continue;
    assert.ok(outlined, `${name} shows that it has the focus`);
    return;
  }
  throw new Error(`Tab never comes to “${name}”`);
}
