import { useToolgate } from 'toolgate-view/react';
import type { Tools } from './tools';

export function WhoAmI() {
  const view = useToolgate<Tools['who_am_i']['result'], Tools>({ tool: 'who_am_i' });
  if (view.status !== 'ready') return <p role="status">{view.error?.message ?? 'Loading'}</p>;
  return (
    <main>
      <h1>Who am I</h1>
      <ul>
        {view.props.result.map((line, at) => (
          <li key={at}>{line}</li>
        ))}
      </ul>
    </main>
  );
}
