// The messages of a call, as text, so that the arguments stay what was typed.
import type { Headers } from '../api.ts';
import { parse } from '../json/parse.ts';
import { compact } from '../json/print.ts';
import { JsonObject, kindOf, member, type Json } from '../json/value.ts';

export const MODERN = '2026-07-28';
const PREFIX = 'io.modelcontextprotocol/';
const text = (value: string) => JSON.stringify(value);

export interface Call {
  readonly method: 'tools/call' | 'resources/read';
  readonly name: string;
  /** JSON; none for a resource. */
  readonly arguments?: string;
  /** More members of `_meta`, as JSON. */
  readonly meta?: string;
  readonly era: string;
  readonly id: number;
  readonly answers?: { readonly responses: string; readonly state?: string };
}

export const isModern = (era: string) => era >= MODERN;

export function bodyOf(call: Call): string {
  const extra = parse(call.meta?.trim() || '{}').value;
  const own: (readonly [string, Json])[] = extra instanceof JsonObject ? [...extra.entries] : [];
  if (isModern(call.era)) {
    const add = (key: string, json: string) => own.some(([known]) => known === PREFIX + key) || own.push([PREFIX + key, parse(json).value!]);
    add('protocolVersion', text(call.era));
    add('clientCapabilities', '{"elicitation":{"form":{},"url":{}},"extensions":{"io.modelcontextprotocol/ui":{"mimeTypes":["text/html;profile=mcp-app"]}}}');
    add('clientInfo', '{"name":"toolgate-inspector","version":"1"}');
  }
  const params = [call.method === 'tools/call' ? `"name":${text(call.name)},"arguments":${call.arguments ?? '{}'}` : `"uri":${text(call.name)}`];
  if (call.answers) {
    params.push(`"inputResponses":${call.answers.responses}`);
    if (call.answers.state !== undefined) params.push(`"requestState":${text(call.answers.state)}`);
  }
  if (own.length) params.push(`"_meta":${compact(new JsonObject(own))}`);
  return `{"jsonrpc":"2.0","id":${call.id},"method":${text(call.method)},"params":{${params.join(',')}}}`;
}

export function headersOf(call: Pick<Call, 'method' | 'name' | 'era'>): Headers {
  const plain = /^[\x20-\x7e]*$/.test(call.name) ? call.name : `=?base64?${btoa(String.fromCharCode(...new TextEncoder().encode(call.name)))}?=`;
  const common: Headers = [['content-type', 'application/json'], ['accept', 'application/json, text/event-stream'], ['mcp-protocol-version', call.era]];
  return isModern(call.era) ? [...common, ['mcp-method', call.method], ['mcp-name', plain]] : common;
}

export interface Ask {
  readonly key: string;
  readonly mode: 'url' | 'form' | 'other';
  readonly message: string;
  readonly url?: string;
  readonly schema?: Json;
}

export interface Answer {
  readonly kind: 'result' | 'error' | 'asks' | 'refused' | 'unreadable';
  readonly result?: Json;
  readonly code?: number;
  readonly message?: string;
  readonly asks: readonly Ask[];
  readonly state?: string;
  /** A link in the text of the result. */
  readonly link?: string;
}

/** The last message of a body, which is JSON or a stream of events. */
function lastMessage(body: string): Json | undefined {
  const whole = parse(body).value;
  if (whole !== undefined) return whole;
  const data = body.split(/\r?\n\r?\n/).map((block) => block.split(/\r?\n/).filter((line) => line.startsWith('data:')).map((line) => line.slice(5).trimStart()).join('\n'));
  return data.map((text) => parse(text).value).findLast((message) => member(message, 'result') !== undefined || member(message, 'error') !== undefined);
}

export function answerOf(status: number, body: string): Answer {
  const message = lastMessage(body);
  const string = (value: Json | undefined) => (typeof value === 'string' ? value : undefined);
  const error = member(message, 'error');
  if (error !== undefined) {
    const code = Number(compact(member(error, 'code') ?? '0').replaceAll('"', ''));
    const elicitations = member(member(error, 'data'), 'elicitations');
    const asks = Array.isArray(elicitations) ? elicitations.map((one, index) => askOf(String(index), one)) : [];
    return { kind: status === 401 || status === 403 ? 'refused' : asks.length ? 'asks' : 'error', code, message: string(member(error, 'message')) ?? '', asks };
  }
  const result = member(message, 'result');
  if (result === undefined) return { kind: status >= 400 ? 'refused' : 'unreadable', message: body.slice(0, 400), asks: [] };
  const requests = member(result, 'inputRequests');
  if (member(result, 'resultType') === 'input_required') {
    const asks = requests instanceof JsonObject ? requests.entries.map(([key, request]) => askOf(key, member(request, 'params'))) : [];
    const state = string(member(result, 'requestState'));
    return { kind: 'asks', result, asks, ...(state === undefined ? {} : { state }) };
  }
  const link = member(result, 'isError') === true ? /https?:\/\/[^\s"<>)]*\/(?:connect|oauth\/step-up)\/[\w.~-]+/.exec(textOf(result))?.[0] : undefined;
  return { kind: 'result', result, asks: [], ...(link ? { link } : {}) };
}

function askOf(key: string, params: Json | undefined): Ask {
  const url = member(params, 'url');
  const schema = member(params, 'requestedSchema');
  const message = member(params, 'message');
  return { key, mode: typeof url === 'string' ? 'url' : schema !== undefined ? 'form' : 'other', message: typeof message === 'string' ? message : '', ...(typeof url === 'string' ? { url } : {}), ...(schema === undefined ? {} : { schema }) };
}

/** The text of a result's content. */
export function textOf(result: Json | undefined): string {
  const content = member(result, 'content');
  return Array.isArray(content) ? content.map((part) => member(part, 'text')).filter((part) => typeof part === 'string').join('\n') : '';
}

export const isError = (result: Json | undefined) => member(result, 'isError') === true;
/** What a model has to read, by the rule of thumb of four characters each. */
export const tokensIn = (result: Json | undefined) => Math.ceil((textOf(result).length || (result === undefined ? 0 : compact(result).length)) / 4);
export { kindOf };
