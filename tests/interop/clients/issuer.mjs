// A certified authorization server, set up as a company would for its tools.
//   node issuer.mjs RESOURCE ..    a client gets a token for the one that it names
import http from 'node:http';
import { exportJWK, generateKeyPair } from 'jose';
import Provider, { errors } from 'oidc-provider';

const resources = process.argv.slice(2);
const server = http.createServer();
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const issuer = `http://127.0.0.1:${server.address().port}`;

const { privateKey } = await generateKeyPair('ES256', { extractable: true });
const scope = 'orders:read orders:write';
const provider = new Provider(issuer, {
  jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig', kid: 'one' }] },
  cookies: { keys: ['for a judge alone'] },
  scopes: ['openid', 'offline_access', ...scope.split(' ')],
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  responseTypes: ['code'],
  pkce: { required: () => true },
  rotateRefreshToken: true,
  // Its dispatcher would not go to a document on this machine.
  fetch: (url, { dispatcher: _, ...options }) => fetch(url, options),
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  features: {
    devInteractions: { enabled: true },
    registration: { enabled: true },
    clientIdMetadataDocument: { enabled: true, ack: 'draft-02' },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resources[0],
      useGrantedResource: () => true,
      getResourceServerInfo(_, resource) {
        if (!resources.includes(resource)) throw new errors.InvalidTarget();
        return { scope, audience: resource, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } };
      },
    },
  },
});
// Clients register with the scope of their first challenge. Held to it they could never step up, so
// it is left out.
provider.use(async (context, next) => {
  if (context.path === '/reg' && context.method === 'POST') {
    const chunks = [];
    for await (const chunk of context.req) chunks.push(chunk);
    const { scope: _, ...metadata } = JSON.parse(Buffer.concat(chunks));
    context.req.body = metadata;
  }
  await next();
});
server.on('request', provider.callback());
console.log(`${issuer}/mcp`);
