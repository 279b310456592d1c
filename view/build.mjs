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
      name: 'relative-library',
      setup: (build) => build.onResolve({ filter: /^toolgate-view$/ }, () => ({ path: './toolgate-view.mjs', external: true })),
    },
  ],
});

const declare = (project) => execFileSync(process.execPath, [tsc, '-p', path.join(root, project), '--outDir', out], { stdio: 'inherit' });
declare('.');
for (const inner of ['auth', 'bridge', 'page', 'script']) rmSync(path.join(out, `${inner}.d.ts`));
declare('react');
const rewrite = (file, from, to) =>
  writeFileSync(path.join(out, file), readFileSync(path.join(out, file), 'utf8').replaceAll(from, to));
rewrite('react.d.ts', "'toolgate-view'", "'./toolgate-view.js'");
rewrite('toolgate-view.d.ts', "'./types.ts'", "'./types.js'");

// The crate has a copy: a published package contains its own folder only.
if (!process.argv[2]) copyFileSync(path.join(out, 'toolgate-view.js'), path.join(root, '../runtime/view/toolgate-view.js'));
