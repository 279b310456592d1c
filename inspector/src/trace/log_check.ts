// The Mcp-* headers of a request against its body (version 2026-07-28, standard headers).
import type { Exchange } from '../api.ts';
import { parse } from '../json/parse.ts';
import { member, plain, type Json } from '../json/value.ts';

export interface HeaderVerdict {
  readonly header: string;
  readonly agrees: boolean;
  readonly say: string;
}

const VERSION_KEY = 'io.modelcontextprotocol/protocolVersion';

export const header = (headers: Exchange['request_headers'] | undefined, name: string) => headers?.find(([key]) => key.toLowerCase() === name)?.[1];

export interface Message {
  readonly method?: string;
  readonly name?: string;
  readonly id?: string;
}

/** What a body says it is, as far as it can be read. */
export function messageOf(body: string): Message {
  const { value } = parse(body);
  const text = (inner: Json | undefined) => (typeof inner === 'string' ? inner : undefined);
  const method = text(member(value, 'method'));
  const params = member(value, 'params');
  const name = text(member(params, method === 'resources/read' ? 'uri' : 'name'));
  const id = member(value, 'id');
  return { ...(method === undefined ? {} : { method }), ...(name === undefined ? {} : { name }), ...(id === undefined ? {} : { id: String(plain(id)) }) };
}

export function headerVerdicts(exchange: Pick<Exchange, 'request' | 'request_headers' | 'method'>): HeaderVerdict[] {
  const version = header(exchange.request_headers, 'mcp-protocol-version');
  if (exchange.method !== 'POST' || !version) return [];
  const { method, name } = messageOf(exchange.request);
  const { value } = parse(exchange.request);
  const inBody = plain(member(member(member(value, 'params'), '_meta'), VERSION_KEY));
  const verdict = (header: string, has: string | undefined, wants: string | undefined): HeaderVerdict[] => {
    if (has === undefined && wants === undefined) return [];
    if (has === wants) return [{ header, agrees: true, say: `${has}, as in the body` }];
    if (has === undefined) return [{ header, agrees: false, say: `missing; the body has ${wants}` }];
    return [{ header, agrees: false, say: wants === undefined ? `${has}; the body has none` : `${has}; the body has ${wants}` }];
  };
  if (version < '2026') return [{ header: 'MCP-Protocol-Version', agrees: true, say: version }];
  return [
    ...verdict('MCP-Protocol-Version', version, typeof inBody === 'string' ? inBody : undefined),
    ...verdict('Mcp-Method', header(exchange.request_headers, 'mcp-method'), method),
    ...verdict('Mcp-Name', decodeName(header(exchange.request_headers, 'mcp-name')), method === 'tools/call' || method === 'prompts/get' || method === 'resources/read' ? name : undefined),
  ];
}

/** A name that is not plain ASCII is sent as `=?base64?..?=`. */
function decodeName(value: string | undefined): string | undefined {
  const [, coded] = /^=\?base64\?(.*)\?=$/.exec(value ?? '') ?? [];
  if (coded === undefined) return value;
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(coded), (sign) => sign.charCodeAt(0)));
  } catch {
    return value;
  }
}

const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/\b(Bearer|DPoP|Basic)\s+[\w.~+/=-]{8,}/gi, '$1 ••••'],
  [/\beyJ[\w-]{6,}\.[\w-]+\.[\w-]*/g, '••••'],
  [/("(?:access_token|refresh_token|id_token|client_secret|code|code_verifier|requestState)"\s*:\s*")[^"]+/g, '$1••••'],
  [/\b((?:access_token|refresh_token|client_secret|code|code_verifier|state)=)[^&\s"]+/g, '$1••••'],
];

/** The text without what looks like a secret: the server masks them first, this is a second look. */
export const mask = (text: string): string => SECRETS.reduce((masked, [pattern, by]) => masked.replace(pattern, by), text);
