import { useRef, useState } from 'react';
import { ToolError } from 'toolgate-view';
import { useToolgate } from 'toolgate-view/react';
import { IssueRow } from './issue';
import type { Board as Props, Issue, Tools } from './tools';

interface Ask {
  message: string;
  connect: (() => Promise<void>) | undefined;
  again: () => void;
}

const needs = (what: string, scopes: readonly string[]) =>
  `${what} needs the scope ${scopes.join(', ')}, which you have not granted yet.`;

/** Why an action failed: the missing scopes by name, or the message of the error. */
function reason(what: string, error: unknown): string {
  if (error instanceof ToolError && error.missingScopes.length) return needs(what, error.missingScopes);
  return `${what} failed: ${(error as Error).message}`;
}

export function Board() {
  const view = useToolgate<Props, Tools>({ tool: 'issue_board' });
  const { status, props, error, auth } = view;
  const [ask, setAsk] = useState<Ask>();
  const [words, setWords] = useState('');
  const [wanted, setWanted] = useState('open');
  const [closed, setClosed] = useState<ReadonlySet<Issue>>(new Set());
  const [said, setSaid] = useState('');
  const line = useRef<HTMLParagraphElement>(null);

  async function attempt(what: string, act: () => Promise<void>) {
    try {
      await act();
      setAsk(undefined);
    } catch (error) {
      const connect = error instanceof ToolError ? error.connect : undefined;
      setAsk({ message: reason(what, error), connect, again: () => attempt(what, act) });
    }
  }

  async function connect({ connect, ...rest }: Ask) {
    try {
      await connect?.();
      setAsk({ ...rest, connect, message: 'Allow it on the page that was opened, then try again.' });
    } catch (error) {
      setAsk({ ...rest, connect, message: (error as Error).message });
    }
  }

  const refused: Ask | undefined =
    status === 'error'
      ? {
          message: auth.missing.length ? needs('Reading the issues', auth.missing) : error.message,
          connect: error.link ? view.connect : undefined,
          again: () => attempt('Reading the issues', view.refresh),
        }
      : undefined;
  const asked = ask ?? refused;

  const all = (props?.issues ?? []).map((issue) => ({ issue, state: closed.has(issue) ? ('closed' as const) : issue.state }));
  const shown = all.filter(({ issue, state }) => {
    const text = [`#${issue.number}`, issue.title, issue.body, ...issue.labels].join('\n').toLowerCase();
    return text.includes(words.trim().toLowerCase()) && (wanted === '' || state === wanted);
  });
  const count = props
    ? `${said}${shown.length} of ${all.length} issues`
    : { pending: 'Loading the issues…', cancelled: 'The call was cancelled.', error: '', ready: '' }[status];

  return (
    <main aria-busy={status === 'pending'}>
      <header>
        <h1>{props ? `${props.owner}/${props.repo}` : 'Issues'}</h1>
        <p className="faint">{auth.account ?? auth.subject}</p>
      </header>
      {asked && (
        <div className="ask" role="alert">
          <p>{asked.message}</p>
          {asked.connect && (
            <button className="main" type="button" onClick={() => connect(asked)}>
              Connect
            </button>
          )}
          <button type="button" onClick={asked.again}>
            Try again
          </button>
        </div>
      )}
      {props && (
        <form role="search" aria-label="Issues" onSubmit={(event) => event.preventDefault()}>
          <label className="wide">
            Filter{' '}
            <input
              type="search"
              autoComplete="off"
              placeholder="Words, a label or a number"
              value={words}
              onChange={(event) => (setWords(event.target.value), setSaid(''))}
            />
          </label>
          <label>
            State{' '}
            <select value={wanted} onChange={(event) => (setWanted(event.target.value), setSaid(''))}>
              <option value="open">Open</option>
              <option value="closed">Closed</option>
              <option value="">All</option>
            </select>
          </label>
        </form>
      )}
      <p className="faint" role="status" tabIndex={-1} ref={line}>
        {count}
      </p>
      <ul aria-label="Issues">
        {status === 'pending' && [1, 2].map((n) => <li key={n} className="waiting" />)}
        {props &&
          shown.map(({ issue, state }) => (
            <IssueRow
              key={issue.number}
              issue={issue}
              state={state}
              read={(then) =>
                attempt(`Reading the comments on #${issue.number}`, async () => {
                  then(await view.callTool('list_comments', { owner: props.owner, repo: props.repo, number: issue.number }));
                })
              }
              close={() =>
                attempt(`Closing #${issue.number}`, async () => {
                  await view.callTool('close_issue', { owner: props.owner, repo: props.repo, number: issue.number });
                  setClosed((closed) => new Set(closed).add(issue));
                  setSaid(`Closed #${issue.number}. `);
                  // The button that had the focus is gone.
                  line.current?.focus();
                })
              }
            />
          ))}
      </ul>
    </main>
  );
}
