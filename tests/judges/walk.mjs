// A real client finds its way from a 401 to a tool, and on to one that needs more.
//   node walk.mjs CLIENT URL TOOL ARGUMENTS EXPECTED WIDER_TOOL WIDER_ARGUMENTS WIDER_EXPECTED
// CLIENT is `2.4` (2026-07-28), `2.4-legacy` (2025-11-25) or `1.32`. EXPECTED stands somewhere in the
// tool's text. With DOCUMENT, the URL of a metadata document, it does not register.
import assert from 'node:assert/strict';
import { agree } from './person.mjs';

const [which, url, ...steps] = process.argv.slice(2);
const redirectUrl = 'http://127.0.0.1:7777/callback';
const asked = [];
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
  clientInformation: () => authProvider.client,
  saveClientInformation: (client) => void (authProvider.client = client),
  tokens: () => authProvider.kept,
  saveTokens: (tokens) => void (authProvider.kept = tokens),
  codeVerifier: () => authProvider.verifier,
  saveCodeVerifier: (verifier) => void (authProvider.verifier = verifier),
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
const transport = () => new StreamableHTTPClientTransport(new URL(url), { authProvider });
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
assert.equal(authProvider.client.client_id === documented, Boolean(documented), 'how it is known');
answer = undefined;
try {
  await call(...steps.slice(3));
} catch (error) {
  assert.ok(answer, `the client was not asked for more: ${error}`);
  await finish(connection);
  await call(...steps.slice(3));
}
assert.equal(asked.length, 2, `one step-up: ${asked}`);
console.log(`client ${which}: signed in for "${asked[0]}", stepped up to "${asked[1]}"`);
process.exit(0);
