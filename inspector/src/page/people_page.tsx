// People and tools: who may do what, and the same call as two of them.
import { useState } from 'preact/hooks';
import { argumentsOf, obstacle } from '../form/draft.ts';
import { Button, Chip, Heading, Segments, type Tone } from '../parts/ui.tsx';
import { BodyView, JsonView } from '../parts/json_view.tsx';
import { member } from '../json/value.ts';
import { draftFor, go, perform, personId } from '../state.ts';
import type { AccessState, Person, State, Tool } from '../api.ts';
import { start, type Run } from '../call/run.ts';
import { cardFor } from '../call/result.tsx';
import { RefusalCard } from '../call/card.tsx';

const CELLS: Record<AccessState, [tone: Tone, say: string]> = {
  callable: ['good', 'callable'],
  step_up: ['warn', 'needs step-up'],
  consent: ['warn', 'needs consent'],
  hidden: ['bad', 'hidden'],
  signed_out: ['plain', 'signed out'],
};

export function PeoplePage({ state }: { state: State }) {
  const [pair, setPair] = useState<Tool | undefined>(undefined);
  if (!state.people.length) {
    return (
      <article>
        <Heading title="People × tools">Nobody is signed in yet.</Heading>
        <Button kind="main" onClick={() => void perform({ act: 'sign_in' })}>Sign in</Button>
      </article>
    );
  }
  return (
    <article>
      <Heading title="People × tools">What each person may do, as this server decides it. A click on a cell calls as that person.</Heading>
      <div class="scroll" tabIndex={0} role="region" aria-label="Table of people and tools">
        <table class="matrix">
          <thead>
            <tr>
              <th scope="col">Tool</th>
              {state.people.map((person) => <th scope="col" key={person.id}><PersonHead person={person} /></th>)}
              {state.people.length > 1 && <th scope="col"><span class="offscreen">Compare</span></th>}
            </tr>
          </thead>
          <tbody>
            {state.tools.map((tool) => (
              <tr key={tool.name}>
                <th scope="row"><code>{tool.name}</code><small class="soft">{tool.scopes.map(({ scope }) => scope).join(', ') || 'no scope'}</small></th>
                {state.people.map((person) => <td key={person.id}><Cell tool={tool} person={person} /></td>)}
                {state.people.length > 1 && <td><Button kind="bare" onClick={() => setPair(pair === tool ? undefined : tool)} aria-pressed={pair === tool}>Compare</Button></td>}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {pair && <Compare key={pair.name} tool={pair} people={state.people} />}
    </article>
  );
}

function PersonHead({ person }: { person: Person }) {
  return (
    <span class="person-head">
      <b>{person.name}</b>
      {person.accounts.map(({ provider, connected, account, scopes }) => (
        <span key={provider} class="account">
          <Chip tone={connected ? 'good' : 'plain'} title={scopes.join(', ')}>{provider}{connected ? account && `: ${account}` : ' is not connected'}</Chip>
          <Button kind="bare" onClick={() => void perform({ act: connected ? 'disconnect' : 'connect', person: person.id, provider })}>{connected ? 'Disconnect' : 'Connect'}</Button>
        </span>
      ))}
    </span>
  );
}

function Cell({ tool, person }: { tool: Tool; person: Person }) {
  const access = person.access[tool.name];
  const [tone, say] = CELLS[access?.state ?? 'signed_out'];
  const call = () => {
    personId.value = person.id;
    go('tools', tool.name);
  };
  return (
    <button type="button" class={`cell ${tone}`} onClick={call}>
      <span><span class="offscreen">{tool.name} as {person.name}: </span>{say}</span>
      {access?.missing?.length ? <small>{access.missing.join(', ')}</small> : null}
    </button>
  );
}

/** The same call as two people, side by side. */
function Compare({ tool, people }: { tool: Tool; people: readonly Person[] }) {
  const [two, setTwo] = useState<readonly [string, string]>([people[0]!.id, people[1]!.id]);
  const [done, setDone] = useState<readonly (Run | undefined)[]>([]);
  const [busy, setBusy] = useState(false);
  const draft = draftFor(tool.name).value;
  const blocked = obstacle(draft);
  const call = async () => {
    setBusy(true);
    setDone(await Promise.all(two.map((person) => start(tool.name, argumentsOf(draft), { person, follow: false }))));
    setBusy(false);
  };
  return (
    <section class="compare" aria-label={`${tool.name} as two people`}>
      <h2>{tool.name} as two people</h2>
      <p class="soft">With the arguments of its form: <code>{argumentsOf(draft)}</code></p>
      <div class="row">
        {[0, 1].map((side) => <Segments key={side} small label={side ? 'Second person' : 'First person'} value={two[side]} options={people.map(({ id, name }) => [id, name] as const)} onPick={(id) => { setTwo(side ? [two[0], id] : [id, two[1]]); setDone([]); }} />)}
        <Button kind="main" disabled={busy || blocked !== undefined} onClick={() => void call()}>Call as both</Button>
        <Button onClick={() => go('tools', tool.name)}>Arguments</Button>
      </div>
      {blocked && <p class="fault">{blocked}</p>}
      <div class="sides" aria-live="polite">
        {done.map((run, side) => run && <Side key={side} run={run} name={people.find(({ id }) => id === two[side])?.name ?? ''} />)}
      </div>
    </section>
  );
}

function Side({ run, name }: { run: Run; name: string }) {
  const round = run.rounds.at(-1);
  if (!round) return null;
  const card = cardFor(round, run.person);
  const result = round.answer.result;
  return (
    <div>
      <h3>{name}</h3>
      {card ? <RefusalCard card={{ ...card, hosts: [] }} /> : result !== undefined ? <JsonView value={member(result, 'structuredContent') ?? result} label={`Result for ${name}`} /> : <BodyView body={round.exchange.response ?? ''} label={`Answer for ${name}`} />}
    </div>
  );
}
