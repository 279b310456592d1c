// A program of this repository: started, its link read, and stopped.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

const STARTS_WITHIN_MS = 60_000;

/**
 * Starts a program, whose first line has the link to its inspector. Its data is in a folder that is removed when
 * it is closed, unless the caller has one.
 */
export async function start(file = process.env.QUICKSTART, { env = {}, data, address = '127.0.0.1:0' } = {}) {
  if (!file) throw new Error('No variable says where the program is');
  const folder = data ?? mkdtempSync(path.join(tmpdir(), 'inspector-'));
  const child = spawn(file, ['--http', address], {
    env: { ...process.env, TOOLGATE_DATA: folder, CARGO_MANIFEST_DIR: folder, TOOLGATE_INSPECTOR: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  child.stderr.on('data', (part) => (log = (log + part).slice(-4000)));
  const lines = createInterface({ input: child.stdout });
  const timeout = AbortSignal.timeout(STARTS_WITHIN_MS);
  const [first] = await Promise.race([once(lines, 'line', { signal: timeout }), once(child, 'exit').then(() => [`it ended: ${log}`])]);
  const link = /^Inspector\s+(http:\S+\/inspector\?token=\w+)$/.exec(first)?.[1];
  const close = async () => {
    child.kill();
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    if (data === undefined) rmSync(folder, { recursive: true, force: true });
  };
  if (!link) {
    await close();
    throw new Error(`The first line has no link: ${first}`);
  }
  return {
    link,
    url: new URL(link).origin,
    data: folder,
    close,
  };
}
