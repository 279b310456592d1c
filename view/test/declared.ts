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

/** A recursive type. */
export interface Node {
  children: Node[];
  name: string;
}

/** Either. */
export type Tree = number | Tree[];

/** A type with the name of the generated interface. */
export type Tools2 = { counts: ({ [key: string]: number } | null)[]; label: string } & { [key: string]: number };
