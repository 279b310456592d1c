// Better Auth (npm) with its OAuth provider plugin: resource indicators and open registration.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { agree } from '../person.mjs';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

export async function start({ resources, run, freePort }) {
  const origin = `http://127.0.0.1:${await freePort()}`;
  const subject = await run(process.execPath, [at('./server.mjs'), origin, ...resources], /ready for (.*)/);
  return {
    issuer: `${origin}/api/auth`,
    version: JSON.parse(readFileSync(at('./node_modules/better-auth/package.json'))).version,
    subject,
    person: (link, redirect) => agree(link, 'alice', redirect),
    gate: () => ({ PRESET: 'better_auth' }),
    withoutResource: /the token is not a JWT/,
    rotate: `${origin}/rotate`,
  };
}
