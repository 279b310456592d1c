// Chromium, and what is noted of a page in it.
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { chromium } from 'playwright-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const artefacts = process.env.ARTEFACTS ?? 'artefacts';
mkdirSync(artefacts, { recursive: true });

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'.split(' '),
  });

/** A page, and the errors that a view in it makes. */
export async function visit(browser, url, ofView = (from) => !from.startsWith(new URL(url).origin)) {
  const context = await browser.newContext({ viewport: { width: 800, height: 900 }, colorScheme: 'light' });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const errors = [];
  // The host's own errors, and what the server refuses it, are no fault of the view.
  page.on('pageerror', ({ stack }) => ofView(/\b(https?:|about:)[^\s)]*?(?=:\d+:\d+)/.exec(stack)?.[0] ?? '') && errors.push(stack));
  page.on('console', (message) => {
    const from = message.location().url;
    if (message.type() === 'error' && ofView(from)) errors.push(`${message.text()} ${from}`);
  });
  await page.goto(url);
  return { page, errors, shot: (name) => page.screenshot({ path: path.join(artefacts, `${name}.png`) }) };
}

/** Keeps what stood on every page when a check failed. */
export async function fault(browser, name) {
  const pages = browser.contexts().flatMap((context) => context.pages());
  for (const [n, page] of pages.entries()) await page.screenshot({ path: path.join(artefacts, `${name}-fault-${n}.png`) });
}

/** The frame that shows the view, within those that hosts put around it. */
export async function innermost(page, what = 'main[aria-busy]') {
  for (let tries = 0; tries < 120; tries++) {
    const inner = page.frames().filter((frame) => frame !== page.mainFrame());
    const found = inner.map((frame) => frame.waitForSelector(what, { timeout: 500 }).then(() => frame));
    const frame = await Promise.any([...found, page.waitForEvent('frameattached', { timeout: 500 }).then(() => undefined)]).catch(() => undefined);
    if (frame) return frame;
  }
  throw new Error(`no view in ${page.frames().map((frame) => frame.url())}`);
}

/** The serious faults that axe finds in a frame. */
export async function faults(frame) {
  await frame.evaluate(axe);
  const { violations } = await frame.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join(' | ')}`);
}

/** The person: signs in wherever a link has led, and agrees, until there is nothing left to answer. */
export async function agree(page, name) {
  page.setDefaultTimeout(60_000);
  await page.waitForLoadState();
  for (let step = 0; (await page.locator('form').count()) > 0; step++) {
    if (step === 10) throw new Error(`still asked at ${page.url()}`);
    const form = page.locator('form').first();
    for (const field of await form.locator('input:not([type=hidden]):not([type=checkbox]):not([type=submit])').all()) {
      await field.fill((await field.getAttribute('type')) === 'password' ? `${name}-password` : name);
    }
    const yes = form.locator('button[value=allow], button[value=approve]');
    const moved = page.waitForEvent('framenavigated');
    await ((await yes.count()) ? yes : form.locator('button, input[type=submit]')).first().click();
    await moved;
    await page.waitForLoadState();
  }
}
