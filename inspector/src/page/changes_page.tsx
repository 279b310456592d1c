// What changed since the server's start before this one.
import { Chip, Empty, Heading } from '../parts/ui.tsx';
import { duration } from '../trace/words.ts';
import type { State } from '../api.ts';
import { changesOf, type DiffLine } from './changes.ts';

const NEAR = 2;

/** Lines that changed, and a few next to them. */
function near(lines: readonly DiffLine[]): (DiffLine | undefined)[] {
  const shown = lines.map((_, index) => lines.slice(Math.max(0, index - NEAR), index + NEAR + 1).some(({ sign }) => sign !== ' '));
  return lines.flatMap((line, index) => (shown[index] ? [line] : shown[index - 1] ? [undefined] : []));
}

export function ChangesPage({ state }: { state: State }) {
  if (!state.previous) return <article><Heading title="Changes" /><Empty>This is the first start that is known. After the next one, what changed in tools, schemas and scopes is here.</Empty></article>;
  const changes = changesOf(state.previous.tools, state.tools);
  return (
    <article>
      <Heading title="Changes">Since the start before this one, {duration((state.server.started_at - state.previous.at) / 1000)} earlier.</Heading>
      {changes.length === 0 && <Empty>Nothing changed: tools, schemas and scopes are the same.</Empty>}
      {changes.map(({ tool, kind, parts }) => (
        <section key={tool} class="change">
          <h2><code>{tool}</code><Chip tone={kind === 'added' ? 'good' : kind === 'removed' ? 'bad' : 'warn'}>{kind}</Chip></h2>
          {parts.map(({ part, lines, breaks }) => (
            <div key={part}>
              <h3>{part}{breaks && <span class="fault"> {breaks}</span>}</h3>
              <pre class="diff" tabIndex={0} aria-label={`Difference of ${part}`}>{near(lines).map((line, index) => (line ? <span key={index} class={line.sign === '+' ? 'plus' : line.sign === '-' ? 'minus' : undefined}>{`${line.sign} ${line.text}\n`}</span> : <span key={index} class="soft">{'  …\n'}</span>))}</pre>
            </div>
          ))}
        </section>
      ))}
    </article>
  );
}
