// The library in a window that is none: what it sends, what it believes, and when it gives up.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import vm from 'node:vm';

const script = readFileSync(new URL('../dist/toolgate-view.js', import.meta.url), 'utf8');

/** A page of its own, with a host that notes what it is sent. */
function page({ answers = {}, setTimeout = () => 0, options } = {}) {
  const sent = [];
  const listeners = new Set();
  const style = { colorScheme: '', height: '', setProperty: (name, value) => (style[name] = value) };
  const root = { dataset: {}, style, getBoundingClientRect: () => ({ height: 120.4 }) };
  const window = { JSON, URL, Promise, innerWidth: 640, navigator: { language: 'en' } };
  const deliver = (data, source = host) => {
    for (const listener of [...listeners]) listener({ data, source });
  };
  const host = {
    postMessage(message, target) {
      sent.push({ ...message, target });
      const answer = answers[message.method];
      if (message.id !== undefined && answer) deliver({ jsonrpc: '2.0', id: message.id, ...answer(message.params) });
    },
  };
  const reported = [];
  Object.assign(window, {
    window,
    parent: host,
    document: { title: 'a test', documentElement: root, body: root, currentScript: { dataset: { tool: 'board' } } },
    matchMedia: () => ({ matches: true }),
    addEventListener: (_, f) => listeners.add(f),
    removeEventListener: (_, f) => listeners.delete(f),
    setTimeout,
    clearTimeout: () => {},
    requestAnimationFrame: (f) => (f(), 1),
    cancelAnimationFrame: () => {},
    reportError: (error) => reported.push(error),
    ResizeObserver: class {
      constructor(f) {
        this.f = f;
      }
      observe() {
        this.f();
      }
      disconnect() {}
    },
  });
  vm.runInNewContext(script, window);
  const hear = (method, params) => deliver({ jsonrpc: '2.0', method: `ui/notifications/${method}`, params });
  return { view: window.toolgate.view(options), ToolError: window.toolgate.ToolError, window, sent, deliver, hear, root, reported };
}

const greeting = (hostContext = {}) => ({
  'ui/initialize': () => ({ result: { protocolVersion: '2026-01-26', hostInfo: {}, hostCapabilities: {}, hostContext } }),
});
const settle = () => new Promise(setImmediate);
const plain = (value) => JSON.parse(JSON.stringify(value));

test('greets the host, and says its size', async () => {
  const { sent, view, root } = page({ answers: greeting({ theme: 'light', locale: 'de-AT', styles: { variables: { '--color-text-primary': 'red', color: 'x' } } }) });
  assert.equal(root.dataset.theme, 'dark', 'before the host speaks: what the browser prefers');
  await settle();
  assert.deepEqual(sent.map(({ method }) => method), ['ui/initialize', 'ui/notifications/initialized', 'ui/notifications/size-changed']);
  assert.deepEqual(plain(sent[0].params), {
    appInfo: { name: 'a test', version: '0.1.0' },
    appCapabilities: { availableDisplayModes: ['inline', 'fullscreen'] },
    protocolVersion: '2026-01-26',
  });
  assert.deepEqual(plain(sent[2].params), { width: 640, height: 121 });
  assert.deepEqual([view.theme, view.locale, view.displayMode], ['light', 'de-AT', 'inline']);
  assert.equal(root.dataset.theme, 'light');
  assert.equal(root.style.colorScheme, 'light');
  assert.equal(root.style['--color-text-primary'], 'red');
  assert.equal(root.style.color, undefined);
});

test('arguments and props arrive, and every change is told', async () => {
  const { view, hear } = page({ answers: greeting() });
  const seen = [];
  const stop = view.onchange(({ status, props, arguments: given }) => seen.push(plain([status, props ?? null, given ?? null])));
  await settle();
  seen.splice(1);
  hear('tool-input-partial', { arguments: { owner: 'al' } });
  hear('tool-input', { arguments: { owner: 'alice' } });
  hear('tool-result', { content: [], structuredContent: { issues: [] }, _meta: { 'toolgate/auth': { account: 'alice', scopes: ['repo:read', 7], missing: [] } } });
  stop();
  hear('tool-result', { content: [{ type: 'text', text: 'no such repository' }], isError: true });
  assert.deepEqual(seen, [
    ['pending', null, null],
    ['pending', null, { owner: 'al' }],
    ['pending', null, { owner: 'alice' }],
    ['ready', { issues: [] }, { owner: 'alice' }],
  ]);
  assert.deepEqual(plain(view.auth), { account: 'alice', scopes: ['repo:read'], missing: [] });
  assert.equal(view.status, 'error');
  assert.deepEqual(plain(view.error), { message: 'no such repository' });
  hear('tool-cancelled', { reason: 'user' });
  assert.equal(view.status, 'cancelled');
});

test('one listener that throws does not stop the next', async () => {
  const { view, hear, reported } = page({ answers: greeting() });
  await settle();
  view.onchange(({ status }) => {
    if (status === 'ready') throw new Error('mine');
  });
  let told;
  view.onchange(({ status }) => (told = status));
  hear('tool-result', { structuredContent: {} });
  assert.equal(told, 'ready');
  assert.deepEqual(reported.map((error) => error.message), ['mine']);
});

test('only the embedding window is believed', async () => {
  const { view, deliver } = page({ answers: greeting() });
  await settle();
  deliver({ jsonrpc: '2.0', method: 'ui/notifications/tool-result', params: { structuredContent: { forged: true } } }, {});
  deliver({ method: 'ui/notifications/tool-result', params: { structuredContent: { forged: true } } });
  deliver('not a message');
  deliver(null);
  assert.equal(view.status, 'pending');
});

test('a tool answers with structured content, or with its text', async () => {
  const results = {
    both: { structuredContent: { n: 1 }, content: [{ type: 'text', text: '{"n":2}' }] },
    json: { content: [{ type: 'text', text: '{"n":3}' }] },
    text: { content: [{ type: 'text', text: 'done' }] },
    none: { content: [] },
  };
  const { view, sent } = page({ answers: { ...greeting(), 'tools/call': ({ name }) => ({ result: results[name] }) } });
  assert.deepEqual(plain(await view.callTool('both', { a: 1 })), { n: 1 });
  assert.deepEqual(plain(await view.callTool('json', {})), { n: 3 });
  assert.equal(await view.callTool('text', {}), 'done');
  assert.equal(await view.callTool('none'), undefined);
  assert.deepEqual(plain(sent.find(({ method }) => method === 'tools/call').params), { name: 'both', arguments: { a: 1 } });
});

const refusals = {
  'what the server says of itself': { result: { isError: true, content: [{ type: 'text', text: 'this needs more' }], _meta: { 'toolgate/auth': { scopes: ['repo:read'], missing: ['repo:write'], connect: 'https://tools.example/connect/1' } } } },
  'a challenge in the result': { result: { isError: true, content: [{ type: 'text', text: 'Refused.' }], _meta: { 'mcp/www_authenticate': ['Bearer error="insufficient_scope",scope="repo:write repo:read"'] } } },
  'an error with data': { error: { code: -32603, message: 'no', data: { 'toolgate/auth': { missing: ['repo:write'] } } } },
  'what an error asks for': { error: { code: -32042, message: 'consent', data: { elicitations: [{ url: 'https://tools.example/connect/1', _meta: { 'toolgate/auth': { scopes: ['repo:read'], missing: ['repo:write'], connect: 'https://tools.example/connect/1' } } }] } } },
  'the words of the official client': { error: { code: -32603, message: 'Insufficient scope: required "repo:write repo:read"' } },
  'an HTTP answer as text': { error: { code: -32603, message: 'MCP error -32603: Error POSTing to endpoint: {"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"this needs the scope repo:write"}}' } },
};
for (const [name, answer] of Object.entries(refusals)) {
  test(`a missing scope is read from ${name}`, async () => {
    const { view, hear, ToolError, sent } = page({ answers: { ...greeting(), 'tools/call': () => answer, 'ui/open-link': () => ({ result: {} }) } });
    await settle();
    hear('tool-result', { structuredContent: {}, _meta: { 'toolgate/auth': { scopes: ['repo:read'], missing: [] } } });
    const error = await view.callTool('close_issue', {}).catch((error) => error);
    assert.ok(error instanceof ToolError);
    assert.deepEqual(plain(error.missingScopes), ['repo:write']);
    assert.equal(error.kind, 'scope_missing');
    assert.doesNotMatch(error.message, /jsonrpc|MCP error/);
    assert.deepEqual(plain(view.auth.missing), ['repo:write']);
    assert.equal(view.status, 'ready', 'the props stay');
    if (view.auth.connect) {
      await error.connect();
      await view.connect();
      assert.deepEqual(sent.filter(({ method }) => method === 'ui/open-link').map(({ params }) => params.url), Array(2).fill('https://tools.example/connect/1'));
    } else {
      assert.equal(error.connect, undefined);
      await assert.rejects(view.connect(), /no link/);
    }
  });
}

test('a link that an error asks for can be opened', async () => {
  const data = { elicitations: [{ mode: 'url', url: 'https://tools.example/connect/2' }] };
  const { view, sent } = page({ answers: { ...greeting(), 'tools/call': () => ({ error: { code: -32042, message: 'consent', data } }), 'ui/open-link': () => ({ result: {} }) } });
  const error = await view.callTool('close_issue', {}).catch((error) => error);
  assert.equal(error.kind, 'consent_needed');
  await error.connect();
  assert.equal(sent.at(-1).params.url, 'https://tools.example/connect/2');
});

test('the view`s own tool renews its props', async () => {
  let n = 0;
  const { view, hear, sent } = page({ answers: { ...greeting(), 'tools/call': () => ({ result: { structuredContent: { n: ++n }, _meta: { 'toolgate/auth': { scopes: ['a'], missing: [] } } } }) } });
  await settle();
  hear('tool-input', { arguments: { owner: 'alice' } });
  hear('tool-result', { isError: true, content: [{ type: 'text', text: 'connect first' }], _meta: { 'toolgate/auth': { missing: ['a'], connect: 'https://tools.example/c' } } });
  assert.deepEqual(plain(view.error), { message: 'connect first', kind: 'scope_missing', link: 'https://tools.example/c' });
  await view.refresh();
  assert.deepEqual(plain(sent.at(-1).params), { name: 'board', arguments: { owner: 'alice' } });
  assert.deepEqual([view.status, view.props.n, view.error], ['ready', 1, undefined]);
  assert.deepEqual(plain(view.auth.missing), []);
});

test('only web links are opened', async () => {
  const { view, sent } = page({ answers: { ...greeting(), 'ui/open-link': ({ url }) => ({ result: { isError: url.includes('refused') } }) } });
  await view.openLink('https://example.com/a?b');
  for (const url of ['javascript:alert(1)', 'data:text/html,x', 'file:///etc/passwd', '/relative', 'https://bank.example@evil.example/', '']) {
    await assert.rejects(view.openLink(url), /^Error: Refused to open/, url);
  }
  await assert.rejects(view.openLink('https://refused.example'), /did not open/);
  assert.deepEqual(sent.filter(({ method }) => method === 'ui/open-link').map(({ params }) => params.url), ['https://example.com/a?b', 'https://refused.example/']);
});

test('messages and display modes', async () => {
  const { view, sent } = page({ answers: { ...greeting(), 'ui/message': ({ content }) => ({ result: { isError: content[0].text === 'no' } }), 'ui/request-display-mode': () => ({ result: { mode: 'pip' } }) } });
  await view.sendMessage('hello');
  assert.deepEqual(plain(sent.at(-1).params), { role: 'user', content: [{ type: 'text', text: 'hello' }] });
  await assert.rejects(view.sendMessage('no'), /did not take/);
  assert.equal(await view.requestDisplayMode('fullscreen'), 'pip');
  assert.equal(view.displayMode, 'pip');
});

test('what a host cannot do is said in words', async () => {
  const { view } = page({ answers: { ...greeting(), 'tools/call': () => ({ error: { code: -32601, message: 'Method not found' } }) } });
  await assert.rejects(view.callTool('x', {}), { name: 'ToolError', message: 'This host does not support tools/call.' });
});

test('a host that does not answer is given up after 60 seconds', async () => {
  const timers = [];
  const { view, sent } = page({ answers: greeting(), setTimeout: (f, after) => timers.push([f, after]) });
  const call = view.callTool('slow', {});
  await settle();
  const [giveUp, after] = timers.at(-1);
  assert.equal(after, 60_000);
  giveUp();
  await assert.rejects(call, /did not answer tools\/call within 60 seconds/);
  assert.equal(sent.at(-1).method, 'notifications/cancelled');
});

test('a host that refuses to begin is an error of the view', async () => {
  const { view } = page({ answers: { 'ui/initialize': () => ({ error: { code: -32000, message: 'too old' } }) } });
  await settle();
  assert.deepEqual(plain(view.error), { message: 'too old', kind: 'host' });
  await assert.rejects(view.callTool('x', {}), /too old/);
});

test('requests of the host are answered, and teardown ends all', async () => {
  const { view, sent, deliver } = page({ answers: greeting() });
  const call = view.callTool('x', {});
  await settle();
  deliver({ jsonrpc: '2.0', id: 'a', method: 'ping' });
  deliver({ jsonrpc: '2.0', id: 'b', method: 'tools/list' });
  deliver({ jsonrpc: '2.0', id: 'c', method: 'ui/resource-teardown', params: {} });
  assert.deepEqual(plain(sent.slice(-3).map(({ id, result, error }) => [id, result ?? error.code])), [['a', {}], ['b', -32601], ['c', {}]]);
  await assert.rejects(call, /closed/);
  await assert.rejects(view.callTool('x', {}), /closed/);
});

test('a page may say where alone its links lead', async () => {
  const { view, sent, hear } = page({ options: { links: ['https://a.example'] }, answers: { ...greeting(), 'ui/open-link': () => ({ result: {} }) } });
  await view.openLink('https://a.example/b');
  for (const url of ['https://b.example', 'https://a.example.b.example', 'http://a.example', 'https://a.example:8443/']) {
    await assert.rejects(view.openLink(url), /the page leads to https:\/\/a\.example alone/, url);
  }
  // The consent is the server's own link.
  hear('tool-result', { content: [], _meta: { 'toolgate/auth': { scopes: [], missing: ['a'], connect: 'https://tools.example/connect/1' } } });
  await view.connect();
  const opened = sent.filter(({ method }) => method === 'ui/open-link').map(({ params }) => params.url);
  assert.deepEqual(opened, ['https://a.example/b', 'https://tools.example/connect/1']);
});
