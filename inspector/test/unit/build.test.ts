import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pieces, plainText } from '../../src/build/ansi.ts';
import { build, findings, forgetBuild, line, place, takeBuild, type Build } from '../../src/build/build.ts';
import { BUILDS, DIAGNOSTICS } from '../fixture/builds.mjs';

const ESC = '\u001b';
const short = (text: string) => pieces(text).map(({ text, styles }) => [text, styles.join(' ')]);

test('colours and weights are names of classes', () => {
  assert.deepEqual(short(`${ESC}[1m${ESC}[91merror${ESC}[0m: a ${ESC}[38;5;12mb${ESC}[39m${ESC}[4mc${ESC}[24m`), [['error', 'bold red'], [': a ', ''], ['b', 'blue'], ['c', 'underline']]);
  assert.deepEqual(short(`${ESC}[1;31mx${ESC}[22my${ESC}[mz`), [['x', 'bold red'], ['y', 'red'], ['z', '']]);
  assert.deepEqual(short(`${ESC}[38;2;1;2;3ma${ESC}[48;5;9mb`), [['ab', '']], 'other colours are none');
});

test('nothing but text and line ends is left', () => {
  assert.equal(plainText(`a\tb\r\nc\rd\u0007\u0000${ESC}[2J${ESC}[Ke${ESC}(B`), 'a\tb\ncde');
  assert.equal(plainText(`${ESC}]8;;https://evil.example${ESC}\\E0609${ESC}]8;;${ESC}\\ ${ESC}]0;title\u0007x`), 'E0609 x');
  assert.equal(plainText(`a${ESC}`), 'a', 'a sequence that is cut');
  assert.equal(plainText(`a${ESC}[1;`), 'a1;', 'one that never ends');
  assert.equal(plainText('if admin {\u202e } \u2066'), 'if admin {\\u{202e} } \\u{2066}', 'what turns text around is shown');
  assert.deepEqual(short('<img src=x onerror=alert(1)>&amp;'), [['<img src=x onerror=alert(1)>&amp;', '']]);
});

test('a long text is cut', () => {
  const long = pieces('x'.repeat(300 * 1024));
  assert.equal(long.length, 2);
  assert.ok(long[0]!.text.length === 256 * 1024 && long[1]!.text.includes('…'));
});

test('what the compiler writes is the same without colours', () => {
  for (const { rendered } of DIAGNOSTICS) assert.equal(plainText(rendered), rendered.replace(/\u001b\[[0-9;]*m/g, ''));
});

test('a build has one line, and its findings stay until the next one ends', () => {
  assert.equal(line(BUILDS.building() as Build), 'building…');
  assert.equal(line(BUILDS.failed() as Build), '1 error');
  assert.equal(line(BUILDS.served() as Build), 'served in 1.9 s');
  assert.equal(line({ state: 'failed', at: 0 }), 'the build failed');
  assert.equal(place(DIAGNOSTICS[0]!), 'src/main.rs:7:37');
  assert.equal(place({ level: 'error', message: '', file: 'Cargo.toml' }), 'Cargo.toml');
  takeBuild(BUILDS.failed() as Build);
  takeBuild(BUILDS.building() as Build);
  assert.deepEqual([build.value?.state, findings.value?.state], ['building', 'failed']);
  takeBuild({ state: 'sung', at: 0 } as unknown as Build);
  assert.equal(build.value?.state, 'building', 'what is not known is left out');
  forgetBuild();
  assert.equal(findings.value, undefined);
});
