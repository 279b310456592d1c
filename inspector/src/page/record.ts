// A session as one file, without secrets and without values.
import type { State } from '../api.ts';
import { parse } from '../json/parse.ts';
import { JsonObject, kindOf, member, names, plain, set, type Json } from '../json/value.ts';
import { mask } from '../trace/log_check.ts';
import type { Log, Trace } from '../trace/store.ts';

/** Headers that say how a message was sent, and nothing about who sent it. */
const KEPT_HEADERS = new Set(['accept', 'content-type', 'mcp-protocol-version', 'mcp-method', 'mcp-name', 'www-authenticate', 'retry-after', 'user-agent', 'content-length']);

/** The value with its kinds in the place of its texts and numbers. */
export function shapeOf(value: Json | undefined): unknown {
  if (value === undefined) return undefined;
  if (Array.isArray(value)) return value.length ? [shapeOf(value[0]), ...(value.length > 1 ? [`… ${value.length} in all`] : [])] : [];
  if (value instanceof JsonObject) return Object.fromEntries(names(value).map((name) => [name, shapeOf(member(value, name))]));
  return `<${kindOf(value)}>`;
}

function request(body: string): unknown {
  const { value } = parse(body);
  if (value === undefined) return body ? '<not JSON>' : undefined;
  const given = member(member(value, 'params'), 'arguments');
  const params = member(value, 'params');
  const without = given === undefined ? value : set(value, ['params', 'arguments'], undefined)!;
  const hidden = ['requestState', 'inputResponses'].reduce<Json>((all, key) => (member(params, key) === undefined ? all : set(all, ['params', key], `<${key}>`)!), without);
  const shown = plain(hidden) as Record<string, unknown>;
  return given === undefined ? shown : { ...shown, params: { ...(shown['params'] as object), arguments: shapeOf(given) } };
}

function response(body: string | undefined): unknown {
  if (!body) return undefined;
  const { value } = parse(body);
  if (value === undefined) return '<not JSON>';
  const error = member(value, 'error');
  if (error !== undefined) return { error: { code: plain(member(error, 'code')), message: mask(String(plain(member(error, 'message')))).replaceAll(/https?:\/\/\S+/g, '<link>') } };
  return { result: shapeOf(member(value, 'result')) };
}

export function recordOf(state: State, trace: Trace, log: Log): unknown {
  const { name, version, eras, access } = state.server;
  return {
    format: 'toolgate-session/1',
    server: { name, version, eras, access },
    tools: state.tools.map((tool) => ({ name: tool.name, scopes: tool.scopes, inputSchema: plain(member(tool.definition, 'inputSchema')) })),
    decisions: [...trace.spans()].flatMap(({ events }) => events),
    messages: log.entries.map((entry) => ({
      span: entry.span, at_us: entry.at_us, peer: entry.peer, method: entry.method, path: entry.path.replace(/\?.*/, ''), status: entry.status, ms: entry.ms,
      headers: Object.fromEntries(entry.request_headers.filter(([key]) => KEPT_HEADERS.has(key.toLowerCase())).map(([key, value]) => [key, mask(value)])),
      request: request(entry.request), response: response(entry.response),
    })),
  };
}
