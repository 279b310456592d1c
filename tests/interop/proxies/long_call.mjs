// The SDK in TypeScript waits for a tool that takes a minute.
//   node long_call.mjs CLIENT URL
// CLIENT is `2.4` (2026-07-28), `2.4-legacy` (2025-11-25) or `1.32`.
import assert from 'node:assert/strict';

const [which, url] = process.argv.slice(2);
const one = which === '1.32';
const { Client } = await import(one ? '@modelcontextprotocol/sdk/client/index.js' : '@modelcontextprotocol/client');
const { StreamableHTTPClientTransport } = await import(one ? '@modelcontextprotocol/sdk/client/streamableHttp.js' : '@modelcontextprotocol/client');
const options = one ? {} : { versionNegotiation: { mode: which === '2.4' ? 'auto' : 'legacy' } };
const client = new Client({ name: 'judge', version: '1' }, options);
let version;
const recorded = (to, init) => {
  version = new Headers(init?.headers).get('mcp-protocol-version');
  return fetch(to, init);
};
await client.connect(new StreamableHTTPClientTransport(new URL(url), { fetch: recorded }));
const began = Date.now();
const call = { name: 'take', arguments: { seconds: 60 } };
// The client's own limit, which is 60 s by default.
const limit = { timeout: 240_000 };
const result = await (one ? client.callTool(call, undefined, limit) : client.callTool(call, limit));
const seconds = Math.round((Date.now() - began) / 1000);
assert.equal(result.content[0].text, 'it took 60 s', JSON.stringify(result));
assert.ok(seconds >= 60 && seconds < 120, `${seconds} s`);
assert.equal(version, which === '2.4' ? '2026-07-28' : '2025-11-25');
console.log(`client ${which}: the result came after ${seconds} s`);
process.exit(0);
