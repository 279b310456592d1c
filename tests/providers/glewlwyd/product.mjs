// Glewlwyd (Debian): a server in C with pages in JavaScript, set up and signed in to over its API.
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

const root = fileURLToPath(new URL('./root', import.meta.url));

const newKey = () => ({
  ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }),
  alg: 'ES256',
  kid: randomUUID(),
});

// A browser: its cookies, and requests without the following of redirects.
function browser(origin) {
  const jar = new Map();
  return async (method, path, message) => {
    const response = await fetch(new URL(path, origin), {
      method,
      redirect: 'manual',
      headers: { cookie: [...jar].map((pair) => pair.join('=')).join('; '), ...(message && { 'content-type': 'application/json' }) },
      body: message && JSON.stringify(message),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, key, value] = cookie.match(/^([^=]+)=([^;]*)/);
      jar.set(key, value);
    }
    const text = await response.text();
    if (!response.ok && response.status !== 302) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return { location: response.headers.get('location'), text };
  };
}

export async function start({ resources, scopes, work, run, freePort }) {
  const origin = `http://127.0.0.1:${await freePort()}`;
  const path = `${work}/glewlwyd.db`;
  const database = new DatabaseSync(path);
  database.exec(gunzipSync(readFileSync(`${root}/usr/share/doc/glewlwyd/database/init.sqlite3.sql.gz`)).toString());
  database.close();
  mkdirSync(`${work}/none`);
  const modules = `${root}/usr/lib/glewlwyd`;
  writeFileSync(
    `${work}/glewlwyd.conf`,
    `port = ${new URL(origin).port}
bind_address = "127.0.0.1"
external_url = "${origin}"
login_url = "login.html"
api_prefix = "api"
static_files_path = "${root}/usr/share/glewlwyd/webapp/"
log_mode = "console"
log_level = "INFO"
cookie_domain = "127.0.0.1"
cookie_secure = 0
session_key = "GLEWLWYD2_SESSION_ID"
admin_scope = "g_admin"
profile_scope = "g_profile"
admin_session_authentication = "cookie"
profile_session_authentication = "cookie"
login_api_enabled = true
user_module_path = "${modules}/user"
user_middleware_module_path = "${work}/none"
client_module_path = "${modules}/client"
user_auth_scheme_module_path = "${modules}/scheme"
plugin_module_path = "${modules}/plugin"
hash_algorithm = "SHA512"
database = { type = "sqlite3" path = "${path}" }
`,
  );
  const libraries = { LD_LIBRARY_PATH: readFileSync(`${root}/libraries`, 'utf8').trim() };
  await run(`${root}/usr/bin/glewlwyd`, ['--config-file', `${work}/glewlwyd.conf`], /Glewlwyd started/, libraries);

  const admin = browser(origin);
  await admin('POST', '/api/auth/', { username: 'admin', password: 'password' });
  for (const name of [...scopes, 'offline_access'])
    await admin('POST', '/api/scope/', { name, display_name: name, description: name, password_required: false, scheme: {} });
  await admin('POST', '/api/user/', {
    username: 'alice',
    password: 'alice-password',
    enabled: true,
    scope: ['g_profile', 'openid', 'offline_access', ...scopes],
  });
  const keys = [newKey()];
  const plugin = () => ({
    module: 'oidc',
    name: 'oidc',
    display_name: 'OpenID Connect',
    enabled: true,
    parameters: {
      iss: `${origin}/api/oidc`,
      'oauth-as-iss-id': true,
      'jwks-show': true,
      'jwks-private': JSON.stringify({ keys }),
      'access-token-duration': 3600,
      'refresh-token-duration': 1209600,
      'code-duration': 600,
      'refresh-token-rolling': true,
      'allow-non-oidc': true,
      'auth-type-code-enabled': true,
      'auth-type-refresh-enabled': true,
      'secret-type': 'public',
      'subject-type': 'public',
      'allowed-scope': ['openid', 'offline_access', ...scopes],
      'pkce-allowed': true,
      'pkce-required': true,
      'register-client-allowed': true,
      'resource-allowed': true,
      'resource-scope': Object.fromEntries(scopes.map((scope) => [scope, resources])),
    },
  });
  await admin('POST', '/api/mod/plugin/', plugin());

  return {
    issuer: `${origin}/api/oidc`,
    version: readFileSync(`${root}/version`, 'utf8').trim(),
    // It registers a client without a secret as one that has to have one.
    registration: { token_endpoint_auth_method: 'client_secret_basic' },
    withoutResource: /the token is for orders:read/,
    async person(link, redirect) {
      const visit = browser(origin);
      const { location } = await visit('GET', link);
      const page = new URL(location, origin).searchParams;
      await visit('POST', '/api/auth/', { username: 'alice', password: 'alice-password' });
      await visit('PUT', `/api/auth/grant/${page.get('client_id')}/`, { scope: page.get('scope') });
      const { location: back } = await visit('GET', `${page.get('callback_url')}&g_continue`);
      if (!back?.startsWith(redirect)) throw new Error(`sent to ${back}`);
      return new URL(back).searchParams;
    },
    async rotate() {
      // The first key signs.
      keys.unshift(newKey());
      await admin('PUT', '/api/mod/plugin/oidc', plugin());
      await admin('PUT', '/api/mod/plugin/oidc/reset', {});
    },
  };
}
