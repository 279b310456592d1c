// The refusal card: what was found, what was expected, what hosts do, and one button that mends it.
import { Button, Chip, Icon } from '../parts/ui.tsx';
import type { Card } from '../trace/refusal.ts';
import { mendAndRepeat, type Run } from './run.ts';
import { pane } from '../state.ts';

export function RefusalCard({ card, run }: { card: Card; run?: Run | undefined }) {
  const rows: [string, string | undefined, string?][] = [
    ['found', card.found, 'found'],
    ['expected', card.expected, 'expected'],
    ['checked', card.check],
    ['wanted by', card.by],
    ['answer', card.answer],
  ];
  return (
    <section class={`card refusal ${card.tone}`} aria-labelledby="card-title" data-kind={card.kind}>
      <h2 id="card-title">{card.title}</h2>
      <dl>
        {rows.map(([term, say, tone]) => say && (
          <div key={term}>
            <dt>{term}</dt>
            <dd class={tone}>{say}</dd>
          </div>
        ))}
      </dl>
      {card.todo && <p>{card.todo}</p>}
      {card.hosts.length > 0 && (
        <>
          <h3>What hosts do with this answer</h3>
          <ul class="hosts">
            {card.hosts.map(({ host, does, goes_on }) => (
              <li key={host}>
                <span class="host-name">{host}<Chip tone={goes_on ? 'good' : 'warn'}>{goes_on ? 'goes on' : 'stops'}</Chip></span>
                <span class="soft">{does}</span>
              </li>
            ))}
          </ul>
        </>
      )}
      <div class="row">
        {card.mend && run && <Button kind="main" onClick={() => void mendAndRepeat(run, card.mend!.act)}>{card.mend.label}</Button>}
        <Button onClick={() => (pane.value = 'trace')}><span class="phone-only"><Icon name="trace" /></span>Show the trace</Button>
      </div>
    </section>
  );
}
