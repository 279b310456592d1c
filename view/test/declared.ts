export interface Tools {
  /** Shows a tree. */
  tree: { arguments: {}; result: Node };
  /** Perhaps a tree. */
  perhaps: { arguments: {}; result: { result: Node | null } };
  /** Another. */
  other: { arguments: {}; result: { result: Tree } };
  /** Lists. */
  all: { arguments: {}; result: Tools2 };
}

/** A thing that holds things like itself. */
export interface Node {
  children: Node[];
  name: string;
}

/** Either. */
export type Tree = number | Tree[];

/** Has our own interface's name. */
export type Tools2 = { counts: ({ [key: string]: number } | null)[]; label: string } & { [key: string]: number };
