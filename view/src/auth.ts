// Auth metadata of results, and the reasons of refused calls.

import type { Auth } from './types.ts';

/** The key in `_meta` of a result, and in the data of an error. */
const KEY = 'toolgate/auth';

/** Messages of refusals of which a view gets the text only: those of the server, and those of the official client. */
const MESSAGES = [/needs the scopes? ([^"\\]+?)\W*$/, /^Insufficient scope: required "([^"]*)"/];

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
  // Of the data of -32042, the official SDKs keep the elicitations only.
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

/** Why a call was refused: from the metadata, from the challenge, or from the message. */
export function readRefusal(message: string, meta: unknown, held: readonly string[]): Refusal {
  const auth = readAuth(meta);
  const challenge = texts(object(meta)['mcp/www_authenticate']).find((text) => text.includes('insufficient_scope'));
  const named = challenge ? /\bscope="([^"]*)"/.exec(challenge)?.[1] : MESSAGES.map((pattern) => pattern.exec(message)?.[1]).find(Boolean);
  const missing = auth?.missing.length ? auth.missing : (named?.split(' ') ?? []).filter((scope) => !held.includes(scope));
  const kind = text(object(object(meta)['toolgate/error']).kind);
  return { message, missing, kind: kind ?? (missing.length ? 'scope_missing' : auth?.connect ? 'consent_needed' : undefined) };
}
