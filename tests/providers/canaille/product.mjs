// Canaille (PyPI): an identity server whose access tokens are opaque, so that a gate asks it.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { agree } from '../person.mjs';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

const nextSecond = () => new Promise((resolve) => setTimeout(resolve, 1000 - (Date.now() % 1000)));

export async function start({ resources, run, freePort }) {
  const issuer = `http://127.0.0.1:${await freePort()}`;
  await run(at('./venv/bin/python'), [at('./server.py'), issuer, ...resources], /ready/);
  return {
    issuer,
    version: readFileSync(at('./requirements.txt'), 'utf8').match(/^Canaille==(.*)$/m)[1],
    // A server is a client of Canaille whose identifier is its URL.
    gate: (resource) => ({ INTROSPECTION: `${issuer}/oauth/introspect`, CLIENT: resource, SECRET: 'server-secret' }),
    client: (resource) => ({ client_id: `host of ${resource}`, issuer }),
    subject: 'alice',
    person: async (link, redirect) => {
      // Two tokens of one second are the same token, whatever their scopes: it names nothing but times.
      await nextSecond();
      return agree(link, 'alice', redirect);
    },
    rotate: `${issuer}/rotate`,
  };
}
