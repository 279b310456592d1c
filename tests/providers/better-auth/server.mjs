// An application with Better Auth and its pages to sign in and to agree, which Better Auth leaves to
// the application.
//   node server.mjs ORIGIN RESOURCE ..
import http from 'node:http';
import { DatabaseSync } from 'node:sqlite';
import { oauthProvider, oauthProviderAuthServerMetadata, oauthProviderOpenIdConfigMetadata } from '@better-auth/oauth-provider';
import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import { toNodeHandler } from 'better-auth/node';
import { jwt } from 'better-auth/plugins';

const [origin, ...resources] = process.argv.slice(2);
const options = {
  baseURL: origin,
  secret: 'a secret of a judge, long enough to be taken for one',
  database: new DatabaseSync(':memory:'),
  emailAndPassword: { enabled: true },
  telemetry: { enabled: false },
  rateLimit: { enabled: false },
  plugins: [
    jwt({ disableSettingJwtHeader: true }),
    oauthProvider({
      loginPage: '/login',
      consentPage: '/consent',
      scopes: ['openid', 'offline_access', 'orders:read', 'orders:write'],
      resources,
      clientRegistrationDefaultResources: resources,
      allowDynamicClientRegistration: true,
      allowUnauthenticatedClientRegistration: true,
    }),
  ],
};
const auth = betterAuth(options);
await (await getMigrations(options)).runMigrations();
const { user } = await auth.api.signUpEmail({
  body: { name: 'alice', email: 'alice@tools.example', password: 'alice-password' },
});

// Signs with a new key from now on. The old one stays published for its grace period.
async function rotate() {
  const { adapter } = await auth.$context;
  for (const key of await adapter.findMany({ model: 'jwks' }))
    await adapter.update({ model: 'jwks', where: [{ field: 'id', value: key.id }], update: { expiresAt: new Date(Date.now() - 1000) } });
}

const form = (fields, button) => `<!doctype html><form method="post">${fields}<button ${button}>Go on</button></form>`;
const pages = {
  '/login': form('<input name="name"><input type="password" name="password">', ''),
  '/consent': form('', 'name="answer" value="allow"'),
};
const documents = {
  '/.well-known/oauth-authorization-server/api/auth': oauthProviderAuthServerMetadata(auth),
  '/api/auth/.well-known/openid-configuration': oauthProviderOpenIdConfigMetadata(auth),
};

// Passes what a page's form says on to Better Auth, as the page's script would, and the browser on to
// where its answer leads.
async function submitted(page, body, cookie, query) {
  const said = new URLSearchParams(body);
  const [path, message] =
    page === '/login'
      ? ['/sign-in/email', { email: `${said.get('name')}@tools.example`, password: said.get('password') }]
      : ['/oauth2/consent', { accept: said.get('answer') === 'allow' }];
  const answer = await auth.handler(
    new Request(`${origin}/api/auth${path}`, {
      method: 'POST',
      headers: { cookie, origin, 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ ...message, oauth_query: query }),
    }),
  );
  const text = await answer.text();
  const { url, redirect_uri: redirect } = JSON.parse(text);
  return { location: url ?? redirect, cookies: answer.headers.getSetCookie(), text };
}

const handler = toNodeHandler(auth);
http
  .createServer(async (request, response) => {
    const url = new URL(request.url, origin);
    const page = url.pathname;
    if (page === '/rotate') {
      await rotate();
      return response.end();
    }
    if (documents[page]) {
      const answer = await documents[page](new Request(url));
      response.setHeader('content-type', 'application/json');
      return response.writeHead(answer.status).end(await answer.text());
    }
    if (!pages[page]) {
      // The person opens pages with `fetch`, which cannot say that it navigates, and would get JSON.
      delete request.headers['sec-fetch-mode'];
      return handler(request, response);
    }
    if (request.method === 'GET') return response.setHeader('content-type', 'text/html').end(pages[page]);
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const [body, cookie] = [Buffer.concat(chunks).toString(), request.headers.cookie ?? ''];
    const { location, cookies, text } = await submitted(page, body, cookie, url.search.slice(1));
    response.setHeader('set-cookie', cookies);
    if (location) response.writeHead(302, { location: new URL(location, origin).href }).end();
    else response.writeHead(500).end(text);
  })
  .listen(new URL(origin).port, '127.0.0.1', () => console.log(`ready for ${user.id}`));
