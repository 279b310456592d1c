// The board in the Inspector's Apps tab: node inspector.mjs NAME URL [TOKEN]
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import * as board from './board.mjs';
import { agree, fault, innermost, launch, visit } from './browser.mjs';
import { elsewhere } from './site.mjs';

const [name, server, token] = process.argv.slice(2);
const person = process.env.PERSON ?? 'alice';
const given = JSON.parse(process.env.ARGUMENTS ?? '{"owner":"alice","repo":"compass"}');

const free = await new Promise((found) => {
  const probe = net.createServer().listen(0, '127.0.0.1', () => {
    const { port } = probe.address();
    probe.close(() => found(port));
  });
});
const home = mkdtempSync(path.join(tmpdir(), 'inspector-'));
const launcher = path.join(path.dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/inspector/package.json')), 'clients/launcher/build/index.js');
const header = token ? ['--header', `Authorization: Bearer ${token}`] : [];
const inspector = spawn(process.execPath, [launcher, '--web', '--server-url', server, '--transport', 'http', ...header], {
  env: { PATH: process.env.PATH, HOME: home, CLIENT_PORT: String(free), MCP_SANDBOX_PORT: '0', MCP_APP_ORIGIN_PORT: '0', MCP_AUTO_OPEN_ENABLED: 'false', MCP_INSPECTOR_SECRET_STORE: 'memory' },
  stdio: ['ignore', 'pipe', 'ignore'],
});
const browser = await launch();
const foreign = await elsewhere();
try {
  let url;
  for await (const line of createInterface(inspector.stdout)) {
    url = /http:\S+API_TOKEN=\S+/.exec(line)?.[0];
    if (url) break;
  }
  assert.ok(url, 'the Inspector has started');
  inspector.stdout.resume();

  const headers = token ? { authorization: `Bearer ${token}` } : {};
  const client = new Client({ name: 'judge', version: '1' });
  await client.connect(new StreamableHTTPClientTransport(new URL(server), { requestInit: { headers } }));
  const ask = async (tool, more = {}) => (await client.callTool({ name: tool, arguments: { ...given, ...more } })).structuredContent;

  const { page, errors, shot } = await visit(browser, url, (from) => from === 'about:srcdoc');
  const snap = (what) => shot(`inspector-${name}-${what}`);
  await page.setViewportSize({ width: 1600, height: 1000 });
  const grant = async (press) => {
    const opening = page.context().waitForEvent('page');
    await press();
    const opened = await opening;
    await opened.waitForURL(/^http/);
    await agree(opened, person);
    await opened.close();
    await page.bringToFront();
  };
  await page.getByRole('switch').click({ force: true });
  await page.getByText('Apps', { exact: true }).click();
  // By its title, if it has one.
  const { tools } = await client.listTools();
  const title = tools.find((tool) => tool.name === 'issue_board').title ?? 'issue_board';
  await page.getByRole('button', { name: title }).first().click();
  for (const [name, value] of Object.entries(given)) await page.getByRole('textbox', { name, exact: true }).fill(value);
  await page.getByRole('button', { name: 'Open App' }).click();

  const frame = await innermost(page);
  // A server may ask the host for consent (-32042), and not the view; the host calls again by itself.
  const dialog = page.getByRole('dialog');
  const accept = () => dialog.getByRole('button', { name: 'Open in Browser' }).click();
  const at = { frame, grant, dialog, accept, shot: snap };
  await board.arrived(at);
  const props = await ask('issue_board');
  await board.listed(frame, props);
  await board.filters(frame, props);
  await board.comments(frame, props, (number) => ask('list_comments', { number }));
  const toggle = async (theme) => {
    if (!(await frame.locator(`html[data-theme=${theme}]`).count())) await page.getByRole('button', { name: 'Toggle color scheme' }).click();
  };
  await board.themes(frame, toggle, snap);
  const stateOf = async (number) => (await ask('issue_board')).issues.find((issue) => issue.number === number)?.state ?? 'closed';
  if (name === 'hostile') {
    // The Inspector may ask its user about the page's call; the user says no, and the server waits
    // for that answer a while, so the issue is closed in a visit of its own.
    await board.hostile(frame, props, stateOf, async () => {
      await dialog.waitFor();
      await page.keyboard.press('Escape');
    });
  } else {
    assert.ok(await board.closes(at, props, stateOf), 'the scope is asked for, and the issue closed');
  }
  assert.deepEqual(errors, [], 'no error in the console');
  await board.confined(frame, foreign.url, foreign.requests);
  console.log(`inspector, ${name}: ${name === 'hostile' ? 'was refused' : 'asked for repo:write and closed an issue'}`);
} catch (error) {
  await fault(browser, `inspector-${name}`);
  throw error;
} finally {
  inspector.kill();
  foreign.close();
  await browser.close();
  rmSync(home, { recursive: true, force: true });
}
process.exit(0);
