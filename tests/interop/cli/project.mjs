// A client of a written project: it signs in, and calls each tool, after a consent where one is asked for.
//   node project.mjs NAME URL TOOL EXPECTED [TOOL EXPECTED ..]
// EXPECTED stands somewhere in the tool's answer. The access token is written to the file TOKEN.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { memory } from '../clients/memory.mjs';
import { agree, visit } from '../clients/person.mjs';

const [name, url, ...steps] = process.argv.slice(2);
const redirectUrl = 'http://127.0.0.1:7777/callback';
let signIns = 0;
let answer;
const authProvider = {
  redirectUrl,
  clientMetadata: {
    client_name: 'judge',
    redirect_uris: [redirectUrl],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  },
  ...memory(),
  discoveryState: () => authProvider.found,
  saveDiscoveryState: (found) => void (authProvider.found = found),
  async redirectToAuthorization(link) {
    signIns++;
    answer = await agree(link.href, 'alice', redirectUrl);
  },
};
let connection = new StreamableHTTPClientTransport(new URL(url), { authProvider });
let client = new Client({ name: 'judge', version: '1' }, { versionNegotiation: { mode: 'auto' } });

/** Does it, and once more after each sign-in that it asks for. */
async function signedIn(what) {
  for (let tries = 0; tries < 4; tries++) {
    answer = undefined;
    try {
      return await what();
    } catch (error) {
      if (!answer) throw error;
      await connection.finishAuth(answer);
    }
  }
  throw new Error('the sign-in does not end');
}

await signedIn(async () => {
  connection = new StreamableHTTPClientTransport(new URL(url), { authProvider });
  await client.connect(connection);
});
assert.equal(signIns, 1, 'the first request has no token');
let consents = 0;
for (let step = 0; step < steps.length; step += 2) {
  const [tool, expected] = steps.slice(step);
  const call = async () => {
    const result = await signedIn(() => client.callTool({ name: tool, arguments: {} }));
    return { result, text: result.content.map((block) => block.text ?? '').join('') };
  };
  let { result, text } = await call();
  const link = text.match(/https?:\/\/[^\s)>"]+\/connect\/[^\s)>"]+/)?.[0];
  if (result.isError && link) {
    await visit(link, 'alice');
    consents++;
    ({ result, text } = await call());
  }
  assert.ok(!result.isError && text.includes(expected), `${tool} answered ${text}`);
}
const { access_token: token } = await authProvider.tokens();
if (process.env.TOKEN) writeFileSync(process.env.TOKEN, token);
console.log(`${name}: ${steps.length / 2} tools, ${signIns} sign-ins, ${consents} consents`);
process.exit(0);
