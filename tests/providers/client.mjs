// TypeScript's official client, signed in at a server by a person of an identity product.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { memory } from './memory.mjs';

const redirectUrl = 'http://127.0.0.1:7777/callback';

// Connects to the server at `url`, and expects to be sent to sign in.
export async function signIn(url, product) {
  const [asked, exchange] = [[], []];
  let answer;
  const kept = memory();
  if (product.client) kept.saveClientInformation(product.client(url));
  const authProvider = {
    redirectUrl,
    clientMetadata: {
      client_name: 'judge',
      redirect_uris: [redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      application_type: 'native',
      ...product.registration,
    },
    ...kept,
    discoveryState: () => authProvider.found,
    saveDiscoveryState: (found) => void (authProvider.found = found),
    async redirectToAuthorization(link) {
      assert.equal(link.searchParams.get('code_challenge_method'), 'S256');
      assert.equal(link.searchParams.get('resource'), url);
      asked.push(link.searchParams.get('scope'));
      answer = await product.person(link.href, redirectUrl);
    },
  };
  const recorded = async (to, init) => {
    const response = await fetch(to, init);
    const line = `${init?.method ?? 'GET'} ${new URL(to).pathname} ${response.status}`;
    exchange.push(response.ok || response.status === 401 ? line : `${line} ${(await response.clone().text()).slice(0, 300)}`);
    return response;
  };
  const transport = () => new StreamableHTTPClientTransport(new URL(url), { authProvider, fetch: recorded });
  const client = new Client({ name: 'judge', version: '1' }, { versionNegotiation: { mode: 'auto' } });
  const explained = async (step) => {
    try {
      return await step();
    } catch (error) {
      throw new Error(`${error.message} after ${exchange.join('\n')}\n${answer ?? ''}`, { cause: error });
    }
  };

  let connection = transport();
  await explained(async () => {
    try {
      await client.connect(connection);
    } catch (error) {
      if (!answer) throw error;
      await connection.finishAuth(answer);
      connection = transport();
      await client.connect(connection);
    }
  });
  assert.match(exchange[0], / 401$/, 'the first answer');
  assert.equal(asked.length, 1, 'one sign-in');
  assert.equal(exchange.filter((line) => /^POST .*reg.* 20[01]$/.test(line)).length, product.client ? 0 : 1, exchange.join('\n'));

  const call = async (name, given = {}) => {
    const result = await client.callTool({ name, arguments: given });
    const text = result.content.map((block) => block.text).join('');
    assert.ok(!result.isError, text);
    return text;
  };
  return {
    asked,
    call: (name, given) => explained(() => call(name, given)),
    // A call that is refused until the person has agreed to more.
    stepUp: (name, given) =>
      explained(async () => {
        const before = asked.length;
        try {
          return await call(name, given);
        } catch (error) {
          if (asked.length === before) throw error;
          await connection.finishAuth(answer);
          return await call(name, given);
        } finally {
          assert.equal(asked.length, before + 1, 'one step-up');
        }
      }),
    token: () => authProvider.tokens().access_token,
    expiresIn: () => authProvider.tokens().expires_in,
    // What the token endpoint answers to the same client, if it asks for this by hand.
    asks: (wanted) => askFor(wanted, authProvider.found.authorizationServerMetadata, kept.clientInformation(), product),
  };
}

async function askFor(wanted, metadata, registered, product) {
  const { client_id: client, token_endpoint_auth_method: method } = registered;
  const secret = method === 'client_secret_basic' ? registered.client_secret : undefined;
  const verifier = randomBytes(32).toString('base64url');
  const link = new URL(metadata.authorization_endpoint);
  link.search = new URLSearchParams({
    response_type: 'code',
    client_id: client,
    redirect_uri: redirectUrl,
    state: randomBytes(16).toString('hex'),
    nonce: randomBytes(16).toString('hex'),
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...wanted,
  });
  const answer = await product.person(link.href, redirectUrl);
  assert.ok(answer.get('code'), String(answer));
  const { scope: _, ...resource } = wanted;
  const response = await fetch(metadata.token_endpoint, {
    method: 'POST',
    headers: secret ? { authorization: `Basic ${Buffer.from(`${client}:${secret}`).toString('base64')}` } : {},
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code: answer.get('code'),
      redirect_uri: redirectUrl,
      code_verifier: verifier,
      ...(secret ? {} : { client_id: client }),
      ...resource,
    }),
  });
  const tokens = await response.json();
  assert.ok(response.ok, JSON.stringify(tokens));
  return tokens;
}
