// What a person sees and does on the board, whatever the host; with the keyboard, because Chromium
// loses clicks into a frame after another page was closed.
import assert from 'node:assert/strict';
import { faults } from './browser.mjs';

/** What the view shows before there are props. */
export async function pending(frame) {
  await frame.locator('main[aria-busy=true]').waitFor();
  await frame.getByText('Loading the issues').waitFor();
}

/** The props have arrived; a first consent is given where it is asked for. */
export async function arrived(at) {
  const { frame } = at;
  if (await asked(at, frame.locator('main[aria-busy=false]'))) await at.grant(at.accept);
  await frame.locator('main[aria-busy=false]').waitFor();
  if (await frame.getByRole('button', { name: 'Connect' }).isVisible()) {
    await connect(at);
    await tryAgain(frame);
  }
  await frame.getByRole('searchbox', { name: 'Filter' }).waitFor();
}

/** Does the host ask for consent by itself, before the view says anything? */
async function asked({ dialog }, said) {
  const first = [said.waitFor().then(() => false)];
  if (dialog) first.push(dialog.waitFor().then(() => true));
  return Promise.any(first);
}

async function connect({ frame, grant }) {
  await grant(() => frame.getByRole('button', { name: 'Connect' }).press('Enter'));
  await frame.getByText('Allow it on the page').waitFor();
}

const tryAgain = (frame) => frame.getByRole('button', { name: 'Try again' }).press('Enter');
const rows = (frame) => frame.getByRole('listitem').filter({ visible: true });

/** The list is what the tool returned, as text. */
export async function listed(frame, { owner, repo, issues }) {
  await frame.getByRole('heading', { level: 1, name: `${owner}/${repo}` }).waitFor();
  const open = issues.filter(({ state }) => state === 'open');
  await frame.getByText(`${open.length} of ${issues.length} issues`).waitFor();
  assert.equal(await rows(frame).count(), open.length);
  for (const { number, title } of open) {
    await frame.getByRole('heading', { level: 2, name: `#${number} ${title}`, exact: true }).waitFor();
  }
  assert.equal(await frame.locator('li img, li script, li b').count(), 0, 'markup in the data is text');
}

export async function filters(frame, { issues }) {
  const words = frame.getByRole('searchbox', { name: 'Filter' });
  const open = issues.filter(({ state }) => state === 'open');
  const last = open.at(-1);
  await words.fill(last.title.toUpperCase());
  await frame.getByRole('heading', { level: 2, name: `#${last.number} ${last.title}`, exact: true }).waitFor();
  const textOf = ({ number, title, body, labels }) => [`#${number}`, title, body, ...labels].join('\n').toLowerCase();
  const matching = open.filter((issue) => textOf(issue).includes(last.title.toLowerCase())).length;
  await frame.getByText(`${matching} of ${issues.length} issues`).waitFor();
  await words.fill('');
  const state = frame.getByRole('combobox', { name: 'State' });
  await state.selectOption('closed');
  await frame.getByText(`${issues.length - open.length} of ${issues.length} issues`).waitFor();
  await state.selectOption('open');
  await frame.getByText(`${open.length} of ${issues.length} issues`).waitFor();
}

/** A button that calls a tool, pressed with the keyboard. */
export async function comments(frame, { issues }, ask) {
  const open = issues.filter(({ state }) => state === 'open');
  const issue = open.find(({ comments }) => comments > 0) ?? open[0];
  const button = frame.getByRole('button', { name: `Comments (${issue.comments}) on issue ${issue.number}`, exact: true });
  await frame.getByRole('searchbox', { name: 'Filter' }).focus();
  let steps = 0;
  while (!(await button.evaluate((button) => button === document.activeElement))) {
    assert.ok(steps++ < 200, 'Tab reaches the button');
    await frame.page().keyboard.press('Tab');
  }
  await frame.page().keyboard.press('Enter');
  const { comments } = await ask(issue.number);
  const region = frame.locator(`[id="${await button.getAttribute('aria-controls')}"]`);
  const lines = comments.flatMap(({ author, body }) => [author, body]);
  for (const line of lines.length ? lines : ['No comments.']) await region.getByText(line, { exact: true }).first().waitFor();
  assert.equal(await button.getAttribute('aria-expanded'), 'true');
  await frame.page().keyboard.press('Enter');
  await region.waitFor({ state: 'hidden' });
}

/** A missing scope is named and asked for; once granted, the same press closes the issue. */
export async function closes(at, { issues }, stateOf) {
  const { frame, shot } = at;
  const issue = issues.find(({ state }) => state === 'open');
  await frame.getByRole('button', { name: `Close issue ${issue.number}:` }).press('Enter');
  const alert = frame.getByRole('alert');
  const byHost = await asked(at, alert);
  await (byHost ? at.dialog.getByText('repo:write') : alert.getByText(`Closing #${issue.number} needs the scope repo:write`)).waitFor();
  assert.equal(await stateOf(issue.number), 'open', 'nothing was closed without the scope');
  await shot('missing-scope');
  if (byHost) {
    await at.grant(at.accept);
  } else {
    if (!(await alert.getByRole('button', { name: 'Connect' }).isVisible())) return false;
    await connect(at);
    await tryAgain(frame);
  }
  await frame.getByText(`Closed #${issue.number}.`).waitFor();
  await alert.waitFor({ state: 'hidden' });
  assert.equal(await stateOf(issue.number), 'closed');
  return true;
}

/** A page need not use the library; the server asks for the scope all the same. */
export async function hostile(frame, { owner, repo, issues }, stateOf, denies) {
  const { number } = issues.find(({ state }) => state === 'open');
  const answering = frame.evaluate(
    (given) =>
      new Promise((told) => {
        addEventListener('message', ({ data }) => data?.id === 'hostile' && told(data));
        parent.postMessage({ jsonrpc: '2.0', id: 'hostile', method: 'tools/call', params: { name: 'close_issue', arguments: given } }, '*');
      }),
    { owner, repo, number },
  );
  const denied = denies && denies().then(() => undefined);
  const answer = (await Promise.any([answering, ...(denied ? [denied] : [])])) ?? (await answering);
  denied?.catch(() => {});
  assert.ok(answer.error || answer.result.isError, `refused: ${JSON.stringify(answer)}`);
  assert.equal(await stateOf(number), 'open', 'a hostile page closes nothing');
}

export async function themes(frame, set, shot) {
  const ground = () => frame.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const seen = {};
  for (const theme of ['light', 'dark']) {
    await set(theme);
    await frame.locator(`html[data-theme=${theme}]`).waitFor();
    seen[theme] = await ground();
    await shot(theme);
    assert.deepEqual(await faults(frame), [], `axe, ${theme}`);
  }
  assert.notEqual(seen.dark, seen.light);
}

/** The rest of what the library offers, where the page has it as a script. */
export async function speaks(frame, mode) {
  const told = await frame.evaluate(async () => {
    const view = globalThis.toolgate?.view();
    if (!view) return undefined;
    const seen = [];
    const stop = view.onchange(({ displayMode }) => seen.push(displayMode));
    await view.sendMessage('hello');
    const mode = await view.requestDisplayMode('fullscreen');
    await view.refresh();
    stop();
    const script = await view.openLink('javascript:0').catch(({ message }) => message);
    const none = await view.callTool('no_such_tool', {}).catch(({ name }) => name);
    return { seen: [seen[0], seen.at(-1)], mode, script, none, locale: view.locale, status: view.status, given: view.arguments };
  });
  if (!told) return false;
  const { script, given, ...rest } = told;
  assert.match(script, /^Refused to open/);
  assert.ok(given.owner && given.repo);
  assert.deepEqual(rest, { seen: ['inline', mode], mode, none: 'ToolError', locale: 'en-GB', status: 'ready' });
  return true;
}

/** The page can neither send anything elsewhere nor reach its host. */
export async function confined(frame, foreign, requests) {
  const told = await frame.evaluate(async (url) => {
    const violations = [];
    document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => violations.push(effectiveDirective));
    const fetched = await fetch(url).then(() => 'fetched', () => 'blocked');
    const image = await new Promise((done) => {
      const image = new Image();
      image.onload = () => done('loaded');
      image.onerror = () => done('blocked');
      image.src = `${url}/pixel.svg`;
    });
    let host = 'reached';
    try {
      parent.document;
    } catch {
      host = 'blocked';
    }
    return { fetched, image, host, violations };
  }, foreign);
  assert.deepEqual({ ...told, violations: told.violations.sort() }, { fetched: 'blocked', image: 'blocked', host: 'blocked', violations: ['connect-src', 'img-src'] });
  assert.equal(requests(), 0, 'nothing was sent');
}
