// oidc-provider (npm), certified by the OpenID Foundation, with resource indicators and registration.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { agree } from '../person.mjs';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

export async function start({ resources, run, freePort }) {
  const issuer = `http://127.0.0.1:${await freePort()}`;
  await run(process.execPath, [at('./server.mjs'), issuer, ...resources], /ready/);
  return {
    issuer,
    version: JSON.parse(readFileSync(at('./node_modules/oidc-provider/package.json'))).version,
    subject: 'alice',
    person: (link, redirect) => agree(link, 'alice', redirect),
    rotate: `${issuer}/rotate`,
  };
}
