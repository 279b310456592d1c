export interface Tools {
  /** Shows who calls. */
  who_am_i: { arguments: {}; result: Person };
}

/** What `views/who_am_i.html` shows. */
export interface Person {
  name: string;
}
