export interface Issue {
  number: number;
  title: string;
  body: string;
  state: 'open' | 'closed';
  labels: string[];
  comments: number;
}

/** What the tool returns. */
export interface Props {
  owner: string;
  repo: string;
  issues: Issue[];
}

interface Place {
  owner: string;
  repo: string;
  number: number;
}

/** What the view calls. */
export interface Tools {
  list_comments: { arguments: Place; result: { comments: { author: string; body: string }[] } };
  close_issue: { arguments: Place; result: unknown };
}
