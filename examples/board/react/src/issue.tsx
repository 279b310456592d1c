import { useId, useState } from 'react';
import type { Issue, Tools } from './tools';

type Comments = Tools['list_comments']['result'];

interface Row {
  issue: Issue;
  state: Issue['state'];
  read: (then: (comments: Comments) => void) => void;
  close: () => Promise<void>;
}

export function IssueRow({ issue, state, read, close }: Row) {
  const [open, setOpen] = useState<Comments>();
  const [closing, setClosing] = useState(false);
  const id = useId();

  async function closeOnce() {
    setClosing(true);
    await close();
    setClosing(false);
  }

  return (
    <li className="issue">
      <div className="row">
        <h2>
          #{issue.number} {issue.title}
        </h2>
        <span className={`state ${state}`}>{state}</span>
      </div>
      {issue.body && <p className="text">{issue.body}</p>}
      <div className="row">
        {issue.labels.map((label) => (
          <span key={label} className="label">
            {label}
          </span>
        ))}
        <button
          type="button"
          aria-expanded={open !== undefined}
          aria-controls={id}
          aria-label={`Comments (${issue.comments}) on issue ${issue.number}`}
          onClick={() => (open ? setOpen(undefined) : read(setOpen))}
        >
          Comments ({issue.comments})
        </button>
        {state === 'open' && (
          <button type="button" disabled={closing} aria-label={`Close issue ${issue.number}: ${issue.title}`} onClick={closeOnce}>
            Close
          </button>
        )}
      </div>
      <div className="comments" id={id} hidden={!open}>
        {open?.comments.map(({ author, body }, n) => (
          <div key={n}>
            <strong>{author}</strong>
            <p className="text">{body}</p>
          </div>
        ))}
        {open?.comments.length === 0 && <p>No comments.</p>}
      </div>
    </li>
  );
}
