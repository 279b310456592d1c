// What a result says about the user's access, and why a call was refused.

import type { Auth } from './toolgate-view.ts';

/** Where the server puts it. */
const KEY = 'toolgate/auth';

/** A refusal before the tool reaches a view only as text: the server's own, or that of the official client. */
const WORDS = [/needs the scopes? ([^"\\]+?)\W*$/, /^Insufficient scope: required "([^"]*)"/];

export interface Refusal {
  message: string;
  kind: string | undefined;
  missing: readonly string[];
}

type Meta = Record<string, unknown>;

const object = (value: unknown): Meta => (value && typeof value === 'object' ? (value as Meta) : {});
const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];

/** The auth state in a result's `_meta`, or in an error's `data`. */
export function readAuth(meta: unknown): Auth | undefined {
  const { [KEY]: own, elicitations } = object(meta);
  // Official clients keep no more of an error than what it asks for (-32042).
  const asked = object(Array.isArray(elicitations) ? elicitations[0] : undefined);
  const found = own ?? object(asked._meta)[KEY];
  if (!found && !asked.url) return undefined;
  const auth = found ? object(found) : { connect: asked.url };
  return Object.freeze({
    subject: text(auth.subject),
    account: text(auth.account),
    scopes: texts(auth.scopes),
    missing: texts(auth.missing),
    connect: text(auth.connect),
  });
}

/** Why a call was refused: by what the server says of itself, by its challenge, or by its words. */
export function readRefusal(message: string, meta: unknown, held: readonly string[]): Refusal {
  const auth = readAuth(meta);
  const challenge = texts(object(meta)['mcp/www_authenticate']).find((text) => text.includes('insufficient_scope'));
  const named = challenge ? /\bscope="([^"]*)"/.exec(challenge)?.[1] : WORDS.map((words) => words.exec(message)?.[1]).find(Boolean);
  const missing = auth?.missing.length ? auth.missing : (named?.split(' ') ?? []).filter((scope) => !held.includes(scope));
  const kind = text(object(object(meta)['toolgate/error']).kind);
  return { message, missing, kind: kind ?? (missing.length ? 'scope_missing' : auth?.connect ? 'consent_needed' : undefined) };
}
