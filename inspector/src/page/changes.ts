// What changed between two starts of a server: tools, schemas and scopes.
import type { Tool } from '../api.ts';
import { pretty } from '../json/print.ts';
import { equal, member, type Json } from '../json/value.ts';

export interface Change {
  readonly tool: string;
  readonly kind: 'added' | 'removed' | 'changed';
  readonly parts: readonly { readonly part: string; readonly lines: readonly DiffLine[]; readonly breaks?: string }[];
}

export interface DiffLine {
  readonly sign: ' ' | '+' | '-';
  readonly text: string;
}

const PARTS = ['title', 'description', 'inputSchema', 'outputSchema', 'annotations', '_meta'] as const;
const print = (value: Json | undefined) => (value === undefined ? '' : typeof value === 'string' ? value : pretty(value));

export function changesOf(before: readonly Tool[], after: readonly Tool[]): Change[] {
  const changes: Change[] = [];
  for (const tool of after) {
    const old = before.find(({ name }) => name === tool.name);
    if (!old) {
      changes.push({ tool: tool.name, kind: 'added', parts: [] });
      continue;
    }
    const parts: Change['parts'][number][] = [];
    const scopes = (of: Tool) => of.scopes.map(({ scope }) => scope).sort().join('\n');
    if (scopes(old) !== scopes(tool)) {
      const more = tool.scopes.filter(({ scope }) => !old.scopes.some((known) => known.scope === scope));
      parts.push({ part: 'scopes', lines: diff(scopes(old), scopes(tool)), ...(more.length ? { breaks: 'People who signed in before are asked for more.' } : {}) });
    }
    for (const part of PARTS) {
      const [was, is] = [member(old.definition, part), member(tool.definition, part)];
      if (was === undefined ? is === undefined : is !== undefined && equal(was, is)) continue;
      const breaks = part === 'inputSchema' ? stricter(was, is) : undefined;
      parts.push({ part, lines: diff(print(was), print(is)), ...(breaks ? { breaks } : {}) });
    }
    if (parts.length) changes.push({ tool: tool.name, kind: 'changed', parts });
  }
  for (const { name } of before) if (!after.some((tool) => tool.name === name)) changes.push({ tool: name, kind: 'removed', parts: [] });
  return changes;
}

/** Whether a call that was good before may be refused now. */
function stricter(was: Json | undefined, is: Json | undefined): string | undefined {
  const list = (value: Json | undefined) => (Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []);
  const required = list(member(is, 'required')).filter((name) => !list(member(was, 'required')).includes(name));
  if (required.length) return `Calls without ${required.join(', ')} are refused now.`;
  const names = (value: Json | undefined) => Object.keys(Object.fromEntries((member(value, 'properties') as { entries?: [string, Json][] } | undefined)?.entries ?? []));
  const gone = names(was).filter((name) => !names(is).includes(name));
  return gone.length ? `Calls with ${gone.join(', ')} are refused now.` : undefined;
}

const MAX_LINES = 400;

/** The lines of two texts, by their longest common subsequence. */
export function diff(before: string, after: string): DiffLine[] {
  const one = before ? before.split('\n').slice(0, MAX_LINES) : [];
  const other = after ? after.split('\n').slice(0, MAX_LINES) : [];
  const lengths = Array.from({ length: one.length + 1 }, () => new Array<number>(other.length + 1).fill(0));
  for (let i = one.length - 1; i >= 0; i--) for (let j = other.length - 1; j >= 0; j--) lengths[i]![j] = one[i] === other[j] ? lengths[i + 1]![j + 1]! + 1 : Math.max(lengths[i + 1]![j]!, lengths[i]![j + 1]!);
  const lines: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < one.length || j < other.length) {
    if (i < one.length && one[i] === other[j]) lines.push({ sign: ' ', text: one[i++]! }), j++;
    else if (i < one.length && (j >= other.length || lengths[i + 1]![j]! >= lengths[i]![j + 1]!)) lines.push({ sign: '-', text: one[i++]! });
    else lines.push({ sign: '+', text: other[j++]! });
  }
  return lines;
}
