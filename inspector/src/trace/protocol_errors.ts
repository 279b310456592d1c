// Cards for errors of the protocol, which no event of the trace explains: from the message and its answer.
import type { Exchange, State } from '../api.ts';
import { member, plain } from '../json/value.ts';
import { parse } from '../json/parse.ts';
import { reactionsTo } from './hosts.ts';
import { header, headerVerdicts, messageOf } from './log_check.ts';
import type { Card } from './refusal.ts';

/** An answer with an error, as JSON-RPC has it. */
export interface Failed {
  readonly code: number;
  readonly message: string;
}

const UNSUPPORTED_VERSION = -32022;
const HEADER_MISMATCH = -32020;
const METHOD_NOT_FOUND = -32601;
const NOT_JSON = -32700;
const MAX_NAMES = 8;

type Parts = Pick<Card, 'kind' | 'title' | 'found' | 'expected' | 'check' | 'todo'>;

export function protocolCard(exchange: Exchange, failed: Failed, state: State | undefined): Card {
  const status = exchange.status ?? 200;
  return { tone: 'bad', ...partsOf(exchange, failed, state), answer: `${status}, JSON-RPC error ${failed.code}: ${failed.message}`, hosts: reactionsTo('message') };
}

function partsOf(exchange: Exchange, { code, message }: Failed, state: State | undefined): Parts {
  const { method, name } = messageOf(exchange.request);
  const wrong = headerVerdicts(exchange).filter(({ agrees }) => !agrees);
  const version = header(exchange.request_headers, 'mcp-protocol-version');
  if (code === NOT_JSON) return { kind: 'not_json', title: 'Request refused: the body is not JSON', found: message || 'something else', expected: 'one JSON-RPC message', check: 'form of the message (JSON-RPC 2.0 §4)', todo: 'The body is below, as it came. A host that sends a batch, a form or nothing writes for another protocol.' };
  if (code === UNSUPPORTED_VERSION) {
    return {
      kind: 'protocol_version', title: 'Request refused: the version of the protocol is not served', found: version ?? 'no version', expected: supported(exchange) || (state?.server.eras.join(' or ') ?? 'a version of this server'), check: 'MCP-Protocol-Version (version 2026-07-28, versioning)',
      todo: 'The host asks for a version that this server does not have. It may repeat the request with one of the list.',
    };
  }
  if (code === HEADER_MISMATCH || (exchange.status === 400 && wrong.length)) {
    return {
      kind: 'protocol_headers', title: 'Request refused: the headers are not those of the body', found: wrong.map(({ header, say }) => `${header} is ${say}`).join('; ') || message, expected: 'headers that repeat what the body says', check: 'Mcp-* headers against the body (version 2026-07-28, standard headers)',
      todo: 'The host, or a proxy before this server, writes a header that does not fit. A proxy that routes by these headers would have routed it wrongly.',
    };
  }
  if (method === 'tools/call' && name !== undefined && state && !state.tools.some((tool) => tool.name === name)) {
    const names = state.tools.slice(0, MAX_NAMES).map((tool) => tool.name).join(', ');
    return { kind: 'unknown_tool', title: `There is no tool “${name}”`, found: name, expected: state.tools.length > MAX_NAMES ? `${names} or ${state.tools.length - MAX_NAMES} more` : names, check: 'name of the called tool', todo: 'The host has an older list of tools, or the model made the name up. Hosts read the list again when they connect.' };
  }
  if (code === METHOD_NOT_FOUND) return { kind: 'unknown_method', title: `The method ${method ?? ''} is not served`, found: method ?? 'no method', expected: 'a method of the protocol that this server has', check: 'method of the message', todo: 'The host uses a part of the protocol that this server does not announce.' };
  return { kind: `protocol_${code}`, title: 'The request is an error of the protocol', found: message || `error ${code}`, expected: 'a request that the protocol has', check: 'the protocol', todo: 'Look at the body below.' };
}

/** The versions that the answer names. */
function supported(exchange: Exchange): string {
  const data = member(member(parse(exchange.response ?? '').value, 'error'), 'data');
  const list = plain(member(data, 'supported'));
  return Array.isArray(list) ? list.join(', ') : '';
}
