// node build.mjs [FOLDER] - builds the page into a folder, `dist` if none is given.
//
// Without a folder the crate's copy is written as well, compressed as it is served: see test/unit/product.test.ts.
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const root = path.dirname(fileURLToPath(import.meta.url));
const out = path.resolve(process.argv[2] ?? path.join(root, 'dist'));
const carried = path.join(root, '../runtime/inspector');

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const common = { absWorkingDir: root, bundle: true, minify: true, target: 'es2022', legalComments: 'none', define: { 'process.env.NODE_ENV': '"production"' }, logLevel: 'warning' };
await build({
  ...common,
  entryPoints: { inspector: 'src/main.tsx', bridge: 'src/page/bridge.ts' },
  format: 'esm',
  outdir: out,
  jsx: 'automatic',
  jsxImportSource: 'preact',
  // The bridge is a file of its own, which is loaded when a widget is shown.
  plugins: [
    // The messages of a schema library in fifty languages, which nothing here shows.
    { name: 'one-locale', setup: (build) => build.onLoad({ filter: /zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({ contents: "export { default as en } from './en.js';" })) },
    { name: 'bridge-on-demand', setup: (build) => build.onResolve({ filter: /\/bridge\.ts$/ }, ({ kind }) => (kind === 'dynamic-import' ? { path: './bridge.js', external: true } : undefined)) },
  ],
});
await build({ ...common, entryPoints: { hook: 'src/widget_hook.ts' }, format: 'iife', outdir: out });
await build({ ...common, entryPoints: { inspector: 'src/css/inspector.css' }, outdir: out });
cpSync(path.join(root, 'src/index.html'), path.join(out, 'index.html'));

if (!process.argv[2]) {
  rmSync(carried, { recursive: true, force: true });
  mkdirSync(carried);
  for (const name of readdirSync(out)) writeFileSync(path.join(carried, `${name}.gz`), gzipSync(readFileSync(path.join(out, name)), { level: 9 }));
}
