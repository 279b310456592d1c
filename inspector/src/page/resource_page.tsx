// A resource by its template: the URI is made from the variables as RFC 6570 says.
import { useState } from 'preact/hooks';
import { Button, Empty, Heading } from '../parts/ui.tsx';
import type { State } from '../api.ts';
import { expand, variablesOf } from '../form/uri_template.ts';
import { RunView } from '../call/result.tsx';
import { runs, start } from '../call/run.ts';

export function ResourcePage({ state, name }: { state: State; name: string }) {
  const found = state.templates.find((one) => one.name === name);
  const [values, setValues] = useState<Record<string, string>>({});
  if (!found) return <Empty>{`There is no resource “${name}” here.`}</Empty>;
  // A variable that ends in a star may be several, one on each line.
  const given = Object.fromEntries(Object.entries(values).map(([key, value]) => [key, value.includes('\n') ? value.split('\n').filter(Boolean) : value]));
  const uri = expand(found.template, given);
  const run = runs.value.get(uri);
  return (
    <article>
      <Heading title={name} mono>{found.description}</Heading>
      <p><code>{found.template}</code></p>
      <form class="fields" onSubmit={(event) => { event.preventDefault(); void start(uri, '', { method: 'resources/read' }); }}>
        {variablesOf(found.template).map((variable) => (
          <div class="field" key={variable}>
            <div class="field-head"><label class="label" for={`variable-${variable}`}><span class="field-name">{variable}</span></label></div>
            <input id={`variable-${variable}`} type="text" value={values[variable] ?? ''} placeholder="left out" onInput={(event) => { const text = event.currentTarget.value; const { [variable]: _, ...rest } = values; setValues(text ? { ...rest, [variable]: text } : rest); }} />
          </div>
        ))}
        <p>Reads <code class="uri">{uri}</code></p>
        <div class="row"><Button kind="main" type="submit">Read</Button></div>
      </form>
      {run && <RunView key={run.id} run={run} />}
    </article>
  );
}
