// The board in a host of ours: the official AppBridge, or mcp-ui's component.
//   node host.mjs appbridge|mcpui NAME URL [TOKEN]
import assert from 'node:assert/strict';
import * as board from './board.mjs';
import { agree, fault, innermost, launch, visit } from './browser.mjs';
import { open } from './site.mjs';

const [host, name, server, token] = process.argv.slice(2);
const person = process.env.PERSON ?? 'alice';
const given = JSON.parse(process.env.ARGUMENTS ?? '{"owner":"alice","repo":"compass"}');
const site = await open(host === 'mcpui' ? 'mcpui.jsx' : 'appbridge.js', server, token);
const browser = await launch();
try {
  const { page, errors, shot } = await visit(browser, site.url);
  const snap = (what) => shot(`${host}-${name}-${what}`);
  const events = (of) => page.evaluate((of) => window.host.events.filter(({ name }) => name === of).map(({ data }) => data), of);
  const ask = (tool, more = {}) =>
    page.evaluate(([tool, given]) => window.host.view.ask(tool, given), [tool, { ...given, ...more }]).then((result) => result.structuredContent);
  await page.waitForFunction(() => window.host);
  await page.evaluate((given) => window.host.open('issue_board', given), given);
  const frame = await innermost(page);

  await board.pending(frame);
  await snap('pending');
  await page.evaluate(() => window.host.view.call());
  // The host notes the link; the person opens it in a browser of their own.
  const grant = async (press) => {
    const before = (await events('link')).length;
    await press();
    await page.waitForFunction((before) => window.host.events.filter(({ name }) => name === 'link').length > before, before);
    const context = await browser.newContext();
    const opened = await context.newPage();
    await opened.goto((await events('link'))[before]);
    await agree(opened, person);
    await context.close();
  };
  const at = { frame, grant, shot: snap };
  await board.arrived(at);
  const props = await ask('issue_board');
  await board.listed(frame, props);
  assert.ok((await events('size')).length, 'the view told its size');
  await board.filters(frame, props);
  await board.comments(frame, props, (number) => ask('list_comments', { number }));
  await board.themes(frame, (theme) => page.evaluate((theme) => window.host.view.theme(theme), theme), snap);
  const stateOf = async (number) => (await ask('issue_board')).issues.find((issue) => issue.number === number)?.state ?? 'closed';
  await board.hostile(frame, props, stateOf);
  // Where the refusal comes before the tool, nothing says where to grant the scope.
  const refuses = name === 'refused';
  assert.equal(await board.closes(at, props, stateOf), !refuses, 'the scope is asked for, and the issue closed');
  // mcp-ui's component has one mode.
  if (await board.speaks(frame, host === 'mcpui' ? 'inline' : 'fullscreen')) assert.deepEqual(await events('message'), ['hello']);
  assert.deepEqual(errors, [], 'no error in the console');

  // What a hostile page would try.
  await board.confined(frame, site.foreign, site.foreignRequests);
  const [resource] = await events('resource');
  const heaviest = { html: 24_000, react: 280_000 }[name];
  assert.ok(!heaviest || resource.bytes < heaviest, `the page has ${resource.bytes} bytes`);
  await page.evaluate(() => window.host.view.close?.());
  const did = !refuses ? 'asked for repo:write and closed an issue' : 'was refused for repo:write';
  console.log(`${host}, ${name}: ${resource.bytes} bytes of ${resource.uri}; ${did}`);
} catch (error) {
  await fault(browser, `${host}-${name}`);
  throw error;
} finally {
  await browser.close();
  site.close();
}
