// Authlib (PyPI): its authorization server for Flask, with JWT access tokens and open registration.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { agree } from '../person.mjs';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

export async function start({ resources, run, freePort }) {
  const issuer = `http://127.0.0.1:${await freePort()}`;
  await run(at('./venv/bin/python'), [at('./server.py'), issuer, ...resources], /ready/);
  return {
    issuer,
    version: readFileSync(at('./requirements.txt'), 'utf8').match(/^Authlib==(.*)$/m)[1],
    subject: 'alice',
    person: (link, redirect) => agree(link, 'alice', redirect),
    rotate: `${issuer}/rotate`,
  };
}
