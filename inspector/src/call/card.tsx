// The refusal card: what was found, what was expected, what hosts do, and one button that mends it.
import { Button, Chip, Icon } from '../parts/ui.tsx';
import type { Card } from '../trace/refusal.ts';
import { mendAndRepeat, openLink, type Run } from './run.ts';
import { pane } from '../state.ts';

export function RefusalCard({ card, run, link }: { card: Card; run?: Run | undefined; link?: string | undefined }) {
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
      <div class="row">
        {card.mend && run && !run.waits && <Button kind="main" onClick={() => (link && card.mend!.act.act === 'connect' ? openLink(run, link) : void mendAndRepeat(run, card.mend!.act))}>{card.mend.label}</Button>}
        {link && run && !run.waits && card.mend?.act.act !== 'connect' && <Button onClick={() => openLink(run, link)}><Icon name="out" />Open the link</Button>}
        <span class="phone-only"><Button onClick={() => (pane.value = 'trace')}><Icon name="trace" />Show the trace</Button></span>
      </div>
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
    </section>
  );
}
