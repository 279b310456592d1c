// What is committed is what the source builds to, it stays light, and it needs no exception from a strict policy.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

const root = fileURLToPath(new URL('../..', import.meta.url));
const carried = path.join(root, '../runtime/inspector');
const MAX_BYTES = 120 * 1024;
const product = (name: string) => gunzipSync(readFileSync(path.join(carried, `${name}.gz`)));

test('the crate carries what the source builds to', () => {
  const fresh = mkdtempSync(path.join(tmpdir(), 'toolgate-inspector-'));
  try {
    execFileSync(process.execPath, ['build.mjs', fresh], { cwd: root, stdio: 'inherit' });
    assert.deepEqual(readdirSync(carried).sort(), readdirSync(fresh).map((name) => `${name}.gz`).sort());
    for (const name of readdirSync(fresh)) assert.ok(product(name).equals(readFileSync(path.join(fresh, name))), `runtime/inspector/${name}.gz is stale: run \`npm run build\` in inspector/`);
  } finally {
    rmSync(fresh, { recursive: true });
  }
});

test('the page has at most 120 KB, and the bridge to widgets is a file of its own', (t) => {
  const sizes = readdirSync(carried).map((name) => [name, readFileSync(path.join(carried, name)).length] as const);
  const page = sizes.filter(([name]) => name !== 'bridge.js.gz').reduce((sum, [, size]) => sum + size, 0);
  t.diagnostic(sizes.map(([name, size]) => `${name} ${size}`).join(', '));
  assert.ok(page <= MAX_BYTES, `${page} bytes`);
  assert.match(product('inspector.js').toString(), /import\("\.\/bridge\.js"\)/);
  assert.doesNotMatch(product('inspector.js').toString(), /ui\/initialize/);
});

test('no inline script, no inline style, no code from text', () => {
  const html = product('index.html').toString();
  assert.doesNotMatch(html, /<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|https?:/);
  const script = product('inspector.js').toString();
  assert.doesNotMatch(script, /\beval\s*\(|new Function\(|insertAdjacentHTML|document\.write/);
  assert.doesNotMatch(product('inspector.css').toString(), /@import|url\(\s*["']?https?:/);
});

test('the sources have no style attribute and set no HTML', () => {
  for (const name of readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((name) => /\.tsx?$/.test(name))) {
    const text = readFileSync(path.join(root, 'src', name), 'utf8');
    assert.doesNotMatch(text, /\bstyle=|dangerouslySetInnerHTML|innerHTML|\.style\b/, name);
    assert.ok(text.split('\n').length <= 300, `${name} is longer than 300 lines`);
  }
});

test('the pages for people have the same colours', () => {
  const names = ['page', 'card', 'text', 'soft', 'line', 'field', 'accent', 'on-accent', 'warning'];
  const tokens = readFileSync(path.join(root, 'src/css/tokens.css'), 'utf8');
  const pages = readFileSync(path.join(root, '../runtime/src/browser/page.css'), 'utf8');
  const [light = '', dark = ''] = [/:root \{[^}]*\}/.exec(pages)?.[0], /dark\) \{\s*:root \{[^}]*\}/.exec(pages)?.[0]];
  for (const name of names) {
    const [, ours = '', oursDark = ''] = new RegExp(`--${name}: light-dark\\(([^,]+), ([^)]+)\\)`).exec(tokens) ?? [];
    assert.ok(ours && light.includes(`--${name}: ${ours};`), `--${name} in the light pages is ${ours}`);
    assert.ok(dark.includes(`--${name}: ${oursDark};`), `--${name} in the dark pages is ${oursDark}`);
  }
});
