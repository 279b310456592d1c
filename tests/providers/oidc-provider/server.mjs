// The authorization server, as a company sets it up for its tools.
//   node server.mjs ISSUER RESOURCE ..
import http from 'node:http';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import Provider, { errors } from 'oidc-provider';

const [issuer, ...resources] = process.argv.slice(2);
const scope = 'orders:read orders:write';
const newKey = () => ({
  ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }),
  alg: 'ES256',
  use: 'sig',
  kid: randomUUID(),
});
const keys = [newKey()];

// It reads its keys once: a deployment rotates them, and starts again with the same store.
const store = new Map();
class Adapter {
  constructor(model) {
    this.key = (id) => `${model} ${id}`;
  }
  upsert = async (id, payload) => void store.set(this.key(id), payload);
  find = async (id) => store.get(this.key(id));
  findByUid = async (uid) => [...store.values()].find((payload) => payload.uid === uid);
  consume = async (id) => void (store.get(this.key(id)).consumed = Math.floor(Date.now() / 1000));
  destroy = async (id) => void store.delete(this.key(id));
  revokeByGrantId = async (grant) => {
    for (const [key, payload] of store) if (payload.grantId === grant) store.delete(key);
  };
}

const build = () => {
  const provider = new Provider(issuer, {
    adapter: Adapter,
    jwks: { keys },
    cookies: { keys: ['for a judge alone'] },
    scopes: ['openid', 'offline_access', ...scope.split(' ')],
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    responseTypes: ['code'],
    pkce: { required: () => true },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    features: {
      devInteractions: { enabled: true },
      registration: { enabled: true },
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
  return provider.callback();
};

let serve = build();
http
  .createServer((request, response) => {
    if (request.url !== '/rotate') return serve(request, response);
    keys.unshift(newKey());
    serve = build();
    response.end();
  })
  .listen(new URL(issuer).port, '127.0.0.1', () => console.log('ready'));
