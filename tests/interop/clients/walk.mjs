// A real client finds its way from a 401 to a tool, and on to one that needs more.
//   node walk.mjs CLIENT URL TOOL ARGUMENTS EXPECTED WIDER_TOOL WIDER_ARGUMENTS WIDER_EXPECTED
// CLIENT is `2.4` (2026-07-28), `2.4-legacy` (2025-11-25) or `1.32`. EXPECTED stands somewhere in the
// tool's text. With DOCUMENT, the URL of a metadata document, it does not register.
import assert from 'node:assert/strict';
import { memory } from './memory.mjs';
import { agree } from './person.mjs';

const [which, url, ...steps] = process.argv.slice(2);
const redirectUrl = 'http://127.0.0.1:7777/callback';
const [asked, exchange] = [[], []];
const { DOCUMENT: documented } = process.env;
let answer;
const one = which === '1.32';
const authProvider = {
  redirectUrl,
  clientMetadataUrl: documented,
  clientMetadata: {
    client_name: `client ${which}`,
    redirect_uris: [redirectUrl],
    // 1.32 answers a step-up with a refresh, if it can, and that gives no more scopes.
    grant_types: one ? ['authorization_code'] : ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  },
  ...memory(),
  discoveryState: () => authProvider.found,
  saveDiscoveryState: (found) => void (authProvider.found = found),
  async redirectToAuthorization(link) {
    asked.push(link.searchParams.get('scope'));
    answer = await agree(link.href, 'alice', redirectUrl);
  },
};

const { Client } = await import(one ? '@modelcontextprotocol/sdk/client/index.js' : '@modelcontextprotocol/client');
const { StreamableHTTPClientTransport } = await import(one ? '@modelcontextprotocol/sdk/client/streamableHttp.js' : '@modelcontextprotocol/client');
const options = one ? {} : { versionNegotiation: { mode: which === '2.4' ? 'auto' : 'legacy' } };
const client = new Client({ name: 'judge', version: '1' }, options);
const recorded = async (to, init) => {
  const response = await fetch(to, init);
  const { pathname } = new URL(to);
  exchange.push({ line: `${init?.method ?? 'GET'} ${pathname} ${response.status}`, version: new Headers(init?.headers).get('mcp-protocol-version') });
  return response;
};
const transport = () => new StreamableHTTPClientTransport(new URL(url), { authProvider, fetch: recorded });
const times = (pattern, count, what) =>
  assert.equal(exchange.filter(({ line }) => pattern.test(line)).length, count, `${what}: ${JSON.stringify(exchange, null, 1)}`);
const finish = (to) => to.finishAuth(one ? answer.get('code') : answer);

let connection = transport();
try {
  await client.connect(connection);
} catch (error) {
  assert.ok(answer, `the client was not sent to sign in: ${error}`);
  await finish(connection);
  connection = transport();
  await client.connect(connection);
}
const call = async (name, given, expected) => {
  const result = await client.callTool({ name, arguments: JSON.parse(given) });
  const text = result.content.map((block) => block.text).join('');
  assert.ok(!result.isError && text.includes(expected), `${name} answered ${text}`);
};
await call(...steps.slice(0, 3));
assert.equal(asked.length, 1, 'one sign-in');
assert.equal(authProvider.clientInformation().client_id === documented, Boolean(documented), 'how it is known');
answer = undefined;
try {
  await call(...steps.slice(3));
} catch (error) {
  assert.ok(answer, `the client was not asked for more: ${error}`);
  await finish(connection);
  await call(...steps.slice(3));
}
assert.equal(asked.length, 2, `one step-up: ${asked}`);
assert.match(exchange[0].line, / 401$/, 'the first answer');
times(/^GET \/.well-known\/oauth-protected-resource.* 200$/, 1, 'metadata of the resource');
times(/^GET \/.well-known\/oauth-authorization-server 200$/, 1, 'metadata of the server');
times(/^POST .*\/reg.* 201$/, documented ? 0 : 1, 'registrations');
times(/^POST .*\/token 200$/, 2, 'tokens');
times(/ 403$/, 1, 'refusals');
assert.equal(exchange.at(-1).version, which === '2.4' ? '2026-07-28' : '2025-11-25');
console.log(`client ${which}${documented ? ', by its document' : ''}: signed in for "${asked[0]}", stepped up to "${asked[1]}"`);
process.exit(0);
