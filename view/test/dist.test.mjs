// What is committed is what the source builds to, and it stays light.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = (name) => readFileSync(path.join(root, 'dist', name), 'utf8');

test('dist is built from the source', () => {
  const fresh = mkdtempSync(path.join(tmpdir(), 'toolgate-view-'));
  try {
    execFileSync(process.execPath, ['build.mjs', fresh], { cwd: root, stdio: 'inherit' });
    assert.deepEqual(readdirSync(path.join(root, 'dist')).sort(), readdirSync(fresh).sort());
    for (const name of readdirSync(fresh)) {
      assert.equal(readFileSync(path.join(fresh, name), 'utf8'), dist(name), `dist/${name} is stale: run \`npm run build\` in view/`);
    }
    const carried = readFileSync(path.join(root, '../runtime/view/toolgate-view.js'), 'utf8');
    assert.equal(carried, dist('toolgate-view.js'), 'the crate carries an old copy: run `npm run build` in view/');
  } finally {
    rmSync(fresh, { recursive: true });
  }
});

test('the types hold', () => {
  const tsc = path.join(path.dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
  execFileSync(process.execPath, [tsc, '-p', path.join(root, 'test')], { stdio: 'inherit' });
});

test('under 8 KB gzipped, without dependencies', (t) => {
  for (const name of ['toolgate-view.js', 'toolgate-view.mjs']) {
    const size = gzipSync(dist(name), { level: 9 }).length;
    t.diagnostic(`${name}: ${size} bytes gzipped`);
    assert.ok(size < 8192, `${name} is ${size} bytes gzipped`);
    assert.doesNotMatch(dist(name), /\b(import|require)\s*\(|\bfrom\s*"|<\/script|<!--|\beval\b|new Function/);
  }
});
