// How the build goes: the compiler's words as it wrote them, and what it means for the tools.
import { Chip, Copy, Empty, Heading } from '../parts/ui.tsx';
import { pieces, plainText } from './ansi.ts';
import { build, findings, isBroken, line, place, type Build, type Diagnostic } from './build.ts';

/** The state of the build in the head of the page. */
export function BuildState() {
  const now = build.value;
  if (!now) return null;
  const tone = isBroken(now.state) ? 'bad' : now.state === 'building' ? 'busy' : 'good';
  return <a class={`build-state ${tone}`} href="#/build" aria-label={`Build: ${line(now)}`}><span class="build-dot" aria-hidden="true" /><span class="wide-only">{line(now)}</span></a>;
}

/** What is wrong, on top of every view. */
export function BuildNotice({ shown }: { shown: boolean }) {
  const last = findings.value;
  if (shown || !last || !isBroken(last.state)) return null;
  const first = last.diagnostics?.find(({ level }) => level.startsWith('error')) ?? last.diagnostics?.[0];
  return (
    <p class="notice bad">
      <span>{last.state === 'crashed' ? 'The new program ended before it was ready.' : `The build failed${first ? `: ${plainText(first.message)}` : '.'}`} The previous tools still answer. <a href="#/build">Show it</a></span>
    </p>
  );
}

export function BuildPage() {
  const [now, last] = [build.value, findings.value];
  if (!now) return <article><Heading title="Build" /><Empty>This server was not started by <code>cargo toolgate dev</code>, so nothing is known of its builds.</Empty></article>;
  return (
    <article>
      <Heading title="Build">{words(now)}</Heading>
      {now.changed && now.changed.length > 0 && <p class="soft">Written: {now.changed.slice(0, 8).map((file, index) => <span key={file}>{index > 0 && ', '}<code>{file}</code></span>)}{now.changed.length > 8 && ` and ${now.changed.length - 8} more`}.</p>}
      {last && <Findings build={last} />}
    </article>
  );
}

function words(now: Build): string {
  switch (now.state) {
    case 'building':
      return 'It is being built. Until then the previous tools answer.';
    case 'failed':
      return 'It does not compile. The previous tools still answer, and it is built again when a file is written.';
    case 'crashed':
      return 'It was built and ended before it was ready. The previous tools still answer.';
    case 'served':
      return now.seconds === undefined ? 'What was written is served.' : `What was written was served ${now.seconds.toFixed(1)} s later. Sessions, sign-ins and accounts went on.`;
  }
}

function Findings({ build: { state, diagnostics = [], rendered } }: { build: Build }) {
  const shown: readonly Diagnostic[] = diagnostics.length ? diagnostics : rendered ? [{ level: state === 'served' ? 'warning' : 'error', message: '', rendered }] : [];
  if (!shown.length) return state === 'served' ? <p class="soft">The compiler had nothing to say.</p> : null;
  return <div class="diagnostics">{shown.map((one, index) => <Found key={index} found={one} />)}</div>;
}

function Found({ found }: { found: Diagnostic }) {
  const where = place(found);
  const text = found.rendered ?? found.message;
  const title = plainText(found.message) || (found.level.startsWith('error') ? 'What the program wrote' : 'Of the compiler');
  return (
    <section class="diagnostic" aria-label={title}>
      <div class="row">
        <Chip tone={found.level.startsWith('error') ? 'bad' : found.level === 'warning' ? 'warn' : 'plain'}>{found.level}{found.code ? ` ${found.code}` : ''}</Chip>
        {where && <code class="soft">{where}</code>}
        <span class="grow" />
        <Copy kind="bare" text={plainText(text)} label="Copy" />
      </div>
      <pre class="ansi" tabIndex={0} aria-label={title}>{pieces(text).map(({ text: shown, styles }, index) => (styles.length ? <span key={index} class={styles.map((style) => `a-${style}`).join(' ')}>{shown}</span> : shown))}</pre>
    </section>
  );
}
