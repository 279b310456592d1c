// node build.mjs [FOLDER] - builds the library into a folder, `dist` if none is given.
import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = path.dirname(fileURLToPath(import.meta.url));
const out = path.resolve(process.argv[2] ?? path.join(root, 'dist'));
const tsc = path.join(path.dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));

const common = {
  absWorkingDir: root,
  bundle: true,
  minify: true,
  target: 'es2022',
  legalComments: 'none',
  define: { VERSION: JSON.stringify(version) },
};
await build({ ...common, entryPoints: ['src/script.ts'], format: 'iife', outfile: path.join(out, 'toolgate-view.js') });
await build({ ...common, entryPoints: ['src/toolgate-view.ts'], format: 'esm', outfile: path.join(out, 'toolgate-view.mjs') });
await build({
  ...common,
  entryPoints: ['react/react.ts'],
  format: 'esm',
  outfile: path.join(out, 'react.mjs'),
  external: ['react'],
  plugins: [
    {
      name: 'beside',
      setup: (build) => build.onResolve({ filter: /^toolgate-view$/ }, () => ({ path: './toolgate-view.mjs', external: true })),
    },
  ],
});

const declare = (project) => execFileSync(process.execPath, [tsc, '-p', path.join(root, project), '--outDir', out], { stdio: 'inherit' });
declare('.');
for (const inner of ['auth', 'bridge', 'page', 'script']) rmSync(path.join(out, `${inner}.d.ts`));
declare('react');
const types = path.join(out, 'react.d.ts');
writeFileSync(types, readFileSync(types, 'utf8').replaceAll("'toolgate-view'", "'./toolgate-view.js'"));

// The crate carries a copy of its own: what is published has no more than its folder.
if (!process.argv[2]) copyFileSync(path.join(out, 'toolgate-view.js'), path.join(root, '../runtime/view/toolgate-view.js'));
