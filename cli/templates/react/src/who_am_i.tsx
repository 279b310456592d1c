import { useToolgate } from 'toolgate-view/react';
import type { Person, Tools } from './tools';

export function WhoAmI() {
  const view = useToolgate<Person, Tools>({ tool: 'who_am_i' });
  const name = view.status === 'ready' ? view.props.name : (view.error?.message ?? 'Loading');
  return (
    <main>
      <h1 role="status">{name}</h1>
      <p>
        <button type="button" onClick={() => void view.refresh()}>
          Ask again
        </button>
      </p>
    </main>
  );
}
