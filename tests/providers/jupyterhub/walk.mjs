// The official client: through the broker, or with consent by the tool, over HTTP or over standard
// input and output.
//   node walk.mjs broker URL
//   node walk.mjs http URL
//   node walk.mjs stdio PROGRAM ARGUMENT..
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

const [way, ...rest] = process.argv.slice(2);
const redirectUrl = 'http://127.0.0.1:7777/app/callback';
const opened = [];
// A person at a browser; returns where it ended.
const visit = async (link) => {
  const { stdout } = await promisify(execFile)(process.env.PERSON, ['person', link, 'dora']);
  opened.push(link);
  return new URL(stdout.trim());
};
const names = (result) => {
  assert.ok(!result.isError, JSON.stringify(result));
  return result.structuredContent.result?.map((user) => user.name) ?? result.structuredContent.name;
};

async function broker(url) {
  let answer;
  const kept = {};
  const authProvider = {
    redirectUrl,
    clientMetadata: {
      client_name: 'A client in TypeScript',
      redirect_uris: [redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    },
    clientInformation: () => kept.client,
    saveClientInformation: (client) => void (kept.client = client),
    tokens: () => kept.tokens,
    saveTokens: (tokens) => void (kept.tokens = tokens),
    codeVerifier: () => kept.verifier,
    saveCodeVerifier: (verifier) => void (kept.verifier = verifier),
    discoveryState: () => kept.found,
    saveDiscoveryState: (found) => void (kept.found = found),
    redirectToAuthorization: async (link) => void (answer = (await visit(link.href)).searchParams),
  };
  const client = new Client({ name: 'walk', version: '1' }, { versionNegotiation: { mode: 'auto' } });
  const transport = () => new StreamableHTTPClientTransport(new URL(url), { authProvider });
  let connection = transport();
  await assert.rejects(client.connect(connection));
  await connection.finishAuth(answer);
  connection = transport();
  await client.connect(connection);
  assert.equal(names(await client.callTool({ name: 'who_am_i', arguments: {} })), 'dora');
  assert.ok(names(await client.callTool({ name: 'list_users', arguments: {} })).includes('alice'));
  assert.equal(opened.length, 1, 'one sign-in for host and hub');

  const issue = { name: 'issue_token', arguments: { note: 'from TypeScript', scopes: ['read:users:name!user'] } };
  await assert.rejects(client.callTool(issue));
  await connection.finishAuth(answer);
  const issued = (await client.callTool(issue)).structuredContent;
  const revoked = await client.callTool({ name: 'revoke_token', arguments: { id: issued.id } });
  assert.ok(!revoked.isError, JSON.stringify(revoked));
  assert.equal(opened.length, 2, 'one step-up');
}

/** A client that opens what the server asks it to open, if `opens`. */
async function connected(transport, mode, opens) {
  const capabilities = opens ? { elicitation: { url: {} } } : {};
  const client = new Client({ name: 'walk', version: '1' }, { versionNegotiation: { mode }, capabilities });
  if (opens) {
    client.setRequestHandler('elicitation/create', async (request) => {
      assert.equal(request.params.mode, 'url');
      await visit(request.params.url);
      return { action: 'accept' };
    });
  }
  await client.connect(transport);
  return client;
}

/** Each tool that needs something new asks for it, in the middle of its call. */
async function consents(client) {
  assert.equal(names(await client.callTool({ name: 'who_am_i', arguments: {} })), 'dora');
  assert.ok(names(await client.callTool({ name: 'list_users', arguments: {} })).includes('alice'));
  assert.equal(names(await client.callTool({ name: 'who_am_i', arguments: {} })), 'dora');
  assert.equal(opened.length, 2, 'one consent for each new scope');
}

async function stdio(command, ...args) {
  await consents(await connected(new StdioClientTransport({ command, args, env: process.env, stderr: 'ignore' }), 'auto', true));
}

async function http(url) {
  const transport = () => new StreamableHTTPClientTransport(new URL(url));
  await consents(await connected(transport(), 'auto', true));

  // One that opens nothing is given the link to show.
  const reads = await connected(transport(), 'auto', false);
  const mine = { name: 'my_tokens', arguments: {} };
  const told = await reads.callTool(mine);
  const text = told.content.map((block) => block.text).join('\n');
  assert.ok(told.isError && /read:tokens!user/.test(text), text);
  await visit(text.match(/http:\/\/[0-9.:]*\/connect\/[\w-]+/)[0]);
  const tokens = await reads.callTool(mine);
  assert.ok(!tokens.isError && tokens.structuredContent.result.length > 0, JSON.stringify(tokens));

  // A client of the earlier protocol gets the link in an error, and calls again.
  const before = await connected(transport(), 'legacy', true);
  const issue = { name: 'issue_token', arguments: { note: 'from TypeScript', scopes: ['read:users:name!user'] } };
  const error = await before.callTool(issue).then(() => assert.fail('nobody was asked'), (error) => error);
  assert.equal(error.code, -32042, `${error}`);
  await visit(error.data.elicitations[0].url);
  const { id } = (await before.callTool(issue)).structuredContent;
  const revoked = await before.callTool({ name: 'revoke_token', arguments: { id } });
  assert.ok(!revoked.isError, JSON.stringify(revoked));
  assert.equal(opened.length, 4, 'and one for each of theirs');
}

await { broker, stdio, http }[way](...rest);
console.log(`TypeScript, ${way}: asked ${opened.length} times`);
process.exit(0);
