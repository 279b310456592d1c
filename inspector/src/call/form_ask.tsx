// A form that the server asks the person to fill in (elicitation in form mode).
import { useState } from 'preact/hooks';
import { FieldEditor } from '../form/fields.tsx';
import { argumentsOf, draftOf, obstacle, type Draft } from '../form/draft.ts';
import { fieldOf, membersOf } from '../form/schema.ts';
import { Button } from '../parts/ui.tsx';
import type { Ask } from './message.ts';

export function FormAsk({ ask, onAnswer }: { ask: Ask; onAnswer: (response: string) => void }) {
  const [draft, change] = useState<Draft>(draftOf());
  const root = ask.schema!;
  return (
    <section class="card ask">
      <h2>{ask.message || 'The server asks for more'}</h2>
      <form onSubmit={(event) => { event.preventDefault(); if (!obstacle(draft)) onAnswer(`{"action":"accept","content":${argumentsOf(draft)}}`); }}>
        {membersOf(fieldOf(root, root), root).map((member) => <FieldEditor key={member.name} {...{ draft, change, root }} path={[member.name]} name={member.name} field={member.field} required={member.required} />)}
        <div class="row">
          <Button kind="main" type="submit" disabled={obstacle(draft) !== undefined}>Answer</Button>
          <Button onClick={() => onAnswer('{"action":"decline"}')}>Decline</Button>
          <Button onClick={() => onAnswer('{"action":"cancel"}')}>Cancel</Button>
        </div>
      </form>
    </section>
  );
}
