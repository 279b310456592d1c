// Saved calls, the doctor, recording a session, and connecting hosts.
import { useEffect, useState } from 'preact/hooks';
import { Button, Chip, Code, Copy, Empty, Heading, Icon } from '../parts/ui.tsx';
import { act, type Check, type SavedCall, type State } from '../api.ts';
import { beat, complain, draftFor, go, log, perform, personId, trace } from '../state.ts';
import { typeAll, draftOf } from '../form/draft.ts';
import { parse } from '../json/parse.ts';
import { pretty } from '../json/print.ts';
import { recordOf } from './record.ts';
import { plural } from '../trace/words.ts';

export function SavedPage({ state }: { state: State }) {
  const [busy, setBusy] = useState(false);
  const runAll = async () => {
    setBusy(true);
    for (const { name } of state.calls) await perform({ act: 'run', name });
    setBusy(false);
  };
  return (
    <article>
      <Heading title="Saved calls">Files in <code>calls/</code>, which this page writes in development and <code>cargo test</code> runs.</Heading>
      {state.calls.length > 1 && <div class="row"><Button kind="main" disabled={busy} onClick={() => void runAll()}>Run all {state.calls.length}</Button></div>}
      {state.calls.length === 0 && <Empty>None yet. Call a tool, then press Save next to Call: the call and what it answered become a test.</Empty>}
      <ul class="list">{state.calls.map((call) => <Saved key={call.name} call={call} />)}</ul>
    </article>
  );
}

function Saved({ call }: { call: SavedCall }) {
  const [open, setOpen] = useState(false);
  const edit = () => {
    const value = parse(call.arguments).value;
    draftFor(call.tool).value = typeAll(draftOf(), value === undefined ? call.arguments : pretty(value));
    if (call.person !== null) personId.value = call.person;
    go('tools', call.tool);
  };
  return (
    <li>
      <div class="row">
        <b class="mono">calls/{call.name}.json</b>
        {call.last && <Chip tone={call.last.passed ? 'good' : 'bad'}>{call.last.passed ? 'passes' : 'fails'}</Chip>}
        <span class="soft"><code>{call.tool}</code>{call.person ? ` as ${call.person}` : ''}, expects {call.expect.outcome}</span>
        <span class="grow" />
        <Button onClick={() => void perform({ act: 'run', name: call.name })}>Run</Button>
        <Button onClick={edit}>Open</Button>
        <Button aria-expanded={open} onClick={() => setOpen(!open)}>File</Button>
        <Button onClick={() => void perform({ act: 'remove', name: call.name })} aria-label={`Remove ${call.name}`}>Remove</Button>
      </div>
      {call.last && !call.last.passed && <p class="fault">{call.last.note}</p>}
      {open && <Code text={`{\n  "tool": ${JSON.stringify(call.tool)},\n  "person": ${JSON.stringify(call.person)},\n  "arguments": ${call.arguments},\n  "expect": ${JSON.stringify(call.expect)}\n}`} label={`File ${call.name}`} />}
    </li>
  );
}

const OUTCOMES: Record<Check['outcome'], ['good' | 'warn' | 'bad' | 'plain', string]> = { ok: ['good', 'good'], warning: ['warn', 'look at it'], fault: ['bad', 'wrong'], skipped: ['plain', 'not needed'] };

export function DoctorPage() {
  const [checks, setChecks] = useState<readonly Check[] | undefined>(undefined);
  const look = () => {
    setChecks(undefined);
    act({ act: 'doctor' }).then((done) => setChecks(done.checks ?? []), complain);
  };
  useEffect(look, []);
  const worst = checks?.filter(({ outcome }) => outcome === 'fault').length ?? 0;
  const warnings = checks?.filter(({ outcome }) => outcome === 'warning').length ?? 0;
  return (
    <article>
      <Heading title="Doctor">What hosts need from this server and its issuer. On the command line it is <code>--doctor</code>.</Heading>
      <div class="row"><Button onClick={look} disabled={!checks}>Look again</Button>{checks && <span class="soft" role="status">{worst ? `${worst} wrong` : warnings ? `${warnings} to look at` : 'All is well'}</span>}</div>
      {!checks ? <p class="soft pending"><span class="spinner" aria-hidden="true" />Looking</p> : (
        <ul class="list checks-list">
          {[...checks].sort((one, other) => rank(one) - rank(other)).map(({ name, outcome, found, todo }) => (
            <li key={name}>
              <div class="row"><Chip tone={OUTCOMES[outcome][0]}>{OUTCOMES[outcome][1]}</Chip><b>{name}</b><span class="soft">{found}</span></div>
              {todo && <p>{todo}</p>}
            </li>
          ))}
        </ul>
      )}
    </article>
  );
}

const rank = ({ outcome }: Check) => ['fault', 'warning', 'ok', 'skipped'].indexOf(outcome);

export function SessionPage({ state }: { state: State }) {
  void beat.value;
  const record = () => {
    const url = URL.createObjectURL(new Blob([JSON.stringify(recordOf(state, trace, log), null, 1)], { type: 'application/json' }));
    const link = document.createElement('a');
    link.href = url;
    link.download = `${state.server.name}-session.json`;
    link.click();
    URL.revokeObjectURL(url);
  };
  return (
    <article>
      <Heading title="Record">One file to attach to a report: what was decided, and the messages, without tokens, codes, links and values of arguments.</Heading>
      <p>{plural(trace.size, 'decision')} and {plural(log.entries.length, 'message')} so far.</p>
      <div class="row"><Button kind="main" onClick={record}>Save as a file</Button><Copy text={() => JSON.stringify(recordOf(state, trace, log))} label="Copy it" /></div>
    </article>
  );
}

export function HostsPage({ state }: { state: State }) {
  return (
    <article>
      <Heading title="Connect a host">At <code>{state.server.url}</code></Heading>
      <div class="host-list">
        {state.hosts.map(({ name, link, steps }, index) => (
          <details key={name} open={index === 0}>
            <summary>{name}</summary>
            <div>
              {link && <a class="quiet button" href={link}><Icon name="out" />Open {name}</a>}
              {steps.map(({ say, copy }) => <div key={say}><p>{say}</p>{copy && <Code text={copy} label={say} />}</div>)}
            </div>
          </details>
        ))}
      </div>
    </article>
  );
}
