export interface Tools {
  /** Shows a repository's issues as a board. */
  issue_board: { arguments: { owner: string; repo: string }; result: Board };
  /** The comments on an issue, the oldest first. */
  list_comments: { arguments: { number: number; owner: string; repo: string }; result: Comments };
  /** Closes an issue. */
  close_issue: { arguments: { number: number; owner: string; repo: string }; result: Issue };
}

/** What the board shows. */
export interface Board {
  issues: Issue[];
  owner: string;
  repo: string;
}

export interface Issue {
  body: string;
  comments: number;
  labels: string[];
  number: number;
  state: State;
  title: string;
}

export type State = "open" | "closed";

export interface Comments {
  comments: Comment[];
}

export interface Comment {
  author: string;
  body: string;
}
