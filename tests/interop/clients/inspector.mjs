// The Inspector's command line finds its way from a 401 to a tool, and on to one that needs more.
//   node inspector.mjs CLIENT URL TOOL ARGUMENTS EXPECTED WIDER_TOOL WIDER_ARGUMENTS WIDER_EXPECTED
// CLIENT is `inspector` (2026-07-28) or `inspector-legacy` (2025-11-25). EXPECTED stands somewhere in
// the tool's text. With DOCUMENT, the URL of a metadata document, it does not register.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { agree } from './person.mjs';

const [which, url, ...steps] = process.argv.slice(2);
const { DOCUMENT: documented } = process.env;
const program = fileURLToPath(import.meta.resolve('@modelcontextprotocol/inspector/clients/launcher/build/index.js'));
const free = createServer().listen(0, '127.0.0.1');
await once(free, 'listening');
const redirect = `http://127.0.0.1:${free.address().port}/oauth/callback`;
free.close();

const home = await mkdtemp(join(tmpdir(), 'inspector-'));
const servers = join(home, 'servers.json');
// Without an OAuth configuration, the Inspector 2.12 cannot step up: it refreshes, and gives
// up. This says nothing.
const oauth = { authorizationParams: { ui_locales: 'en' } };
await writeFile(servers, JSON.stringify({ mcpServers: { judged: { type: 'streamable-http', url, oauth } } }));
const inspected = [
  ...['--config', servers, '--server', 'judged', '--callback-url', redirect],
  ...(documented ? ['--client-metadata-url', documented] : []),
];
const env = {
  ...process.env,
  // The person reads the link; a browser would be `true`.
  ...{ MCP_AUTO_OPEN_ENABLED: 'true', BROWSER: 'true', DISPLAY: '' },
  MCP_INSPECTOR_SECRET_STORE: 'file',
};
const asked = [];

async function run(...options) {
  // Where a header is given, nothing is stored.
  const HOME = options.includes('--header') ? join(home, 'elsewhere') : home;
  const era = which.endsWith('legacy') ? 'legacy' : 'modern';
  const inspector = spawn(process.execPath, [program, '--cli', ...options, '--protocol-era', era, '--format', 'json'], { env: { ...env, HOME } });
  let [out, err, read, fault] = ['', '', 0, undefined];
  inspector.stdout.on('data', (data) => (out += data));
  inspector.stderr.on('data', (data) => {
    err += data;
    const link = err.slice(read).match(/Please navigate to: (\S+)\n/);
    if (!link) return;
    read += link.index + link[0].length;
    asked.push(new URL(link[1]).searchParams.get('scope'));
    agree(link[1], 'alice', redirect)
      .then((answer) => fetch(`${redirect}?${answer}`))
      .catch((error) => {
        fault = error;
        inspector.kill();
      });
  });
  // It asks whether to step up.
  inspector.stdin.end('yes\n');
  const [status] = await once(inspector, 'close');
  if (fault) throw fault;
  return { status, err, result: out && JSON.parse(out).result };
}
const list = async (...options) => {
  const { status, err, result } = await run(...options, '--method', 'tools/list');
  assert.equal(status, 0, err);
  assert.ok(result.tools.some((tool) => tool.name === steps[0]), JSON.stringify(result));
};
const call = async ([name, given, expected], ...options) => {
  const { status, err, result } = await run(...options, '--method', 'tools/call', '--tool-name', name, '--tool-args-json', given);
  assert.equal(status, 0, err);
  const text = result.content.map((block) => block.text).join('');
  assert.ok(!result.isError && text.includes(expected), `${name} answered ${text}`);
};
const stored = async (file) => JSON.parse(await readFile(join(home, '.mcp-inspector', file), 'utf8'));

try {
  for (const method of ['tools/list', 'tools/call']) {
    const refused = await run(url, '--stored-auth-only', '--method', method, '--tool-name', steps[0]);
    assert.equal(refused.status, 3, refused.err);
    assert.match(refused.err, /"auth_required".*(an access token is needed|requires authorization \(HTTP 401\))/);
  }
  assert.equal(asked.length, 0, 'a sign-in that nobody wanted');

  await call(steps.slice(0, 3), ...inspected);
  assert.equal(asked.length, 1, 'one sign-in');
  const [server] = Object.values((await stored('storage/oauth.json')).servers);
  const [client] = Object.values(server.byIssuer);
  assert.equal(client.clientRegistrationKind, documented ? 'cimd' : 'dcr');

  // The token in a header, as people do who have one from elsewhere.
  const [tokens] = Object.values((await stored('secrets.json')).secrets).map(JSON.parse);
  const header = [url, '--stored-auth-only', '--header', `Authorization: Bearer ${tokens.access_token}`];
  await list(...header);
  await call(steps.slice(0, 3), ...header);

  await call(steps.slice(3), ...inspected);
  assert.equal(asked.length, 2, `one step-up: ${asked}`);
  await list(...inspected, '--stored-auth-only');
  console.log(`client ${which}${documented ? ', by its document' : ''}: signed in for "${asked[0]}", stepped up to "${asked[1]}"`);
} finally {
  await rm(home, { recursive: true });
}
