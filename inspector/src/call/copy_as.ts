// A call as a command and as code.
import type { Headers, State, Tool } from '../api.ts';
import { parse } from '../json/parse.ts';
import { JsonNumber, JsonObject, type Json } from '../json/value.ts';
import { pretty } from '../json/print.ts';
import type { Answer } from './message.ts';
import { isError, isModern } from './message.ts';

export interface Copied {
  readonly state: State;
  readonly tool: Tool;
  readonly person: string | null;
  readonly arguments: string;
  readonly era: string;
  readonly answer?: { readonly status: number; readonly answer: Answer };
}

/** One word of a POSIX shell. */
export const shellWord = (text: string) => (/^[\w\-./:@%+=,]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`);

export function asCurl(url: string, headers: Headers, body: string, token: string | undefined): string {
  const all: Headers = token === undefined ? headers : [['authorization', `Bearer ${token}`], ...headers];
  return [`curl -sS ${shellWord(url)}`, ...all.map(([name, value]) => `-H ${shellWord(`${name}: ${value}`)}`), `--data-binary ${shellWord(body)}`].join(' \\\n  ');
}

const KEYWORDS = new Set('as async await break const continue crate dyn else enum extern false fn for if impl in let loop match mod move mut pub ref return self static struct super trait true type unsafe use where while gen abstract become box do final macro override priv try typeof unsized virtual yield'.split(' '));
const identifier = (text: string) => {
  const name = text.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_').replaceAll(/^_+|_+$/g, '') || 'call';
  return /^\d/.test(name) || KEYWORDS.has(name) ? `call_${name}` : name;
};
/** A string literal of Rust. */
export const rustText = (text: string) => `"${text.replaceAll(/[\\"]/g, String.raw`\$&`).replaceAll('\n', String.raw`\n`).replaceAll('\r', String.raw`\r`).replaceAll('\t', String.raw`\t`).replaceAll(/[\u0000-\u001f\u007f]/g, (sign) => `\\u{${sign.charCodeAt(0).toString(16)}}`)}"`;

/** The arguments as `json!({ .. })`, or read from a text where the macro would change a number. */
export function rustJson(text: string, indent: string): string {
  const { value } = parse(text);
  if (!(value instanceof JsonObject)) return 'json!({})';
  return exact(value) ? `json!(${rustValue(value, indent)})` : `serde_json::from_str::<serde_json::Value>(${raw(pretty(value))})?`;
}

function raw(text: string): string {
  let fence = '#';
  while (text.includes(`"${fence}`)) fence += '#';
  return `r${fence}"${text}"${fence}`;
}

function exact(value: Json): boolean {
  if (value instanceof JsonNumber) {
    if (!/^-?\d+$/.test(value.text)) return String(Number(value.text)) === value.text && value.text.includes('.');
    return value.text !== '-0' && BigInt(value.text) <= 2147483647n && BigInt(value.text) >= -2147483648n;
  }
  if (Array.isArray(value)) return value.every(exact);
  return value instanceof JsonObject ? new Set(value.entries.map(([key]) => key)).size === value.entries.length && value.entries.every(([, inner]) => exact(inner)) : true;
}

function rustValue(value: Json, indent: string): string {
  const inner = `${indent}    `;
  if (typeof value === 'string') return rustText(value);
  if (Array.isArray(value)) return value.length ? `[${value.map((item) => rustValue(item, inner)).join(', ')}]` : '[]';
  if (!(value instanceof JsonObject)) return pretty(value);
  if (!value.entries.length) return '{}';
  const members = value.entries.map(([key, item]) => `${rustText(key)}: ${rustValue(item, inner)}`);
  const line = `{ ${members.join(', ')} }`;
  return line.length + indent.length <= 80 ? line : `{\n${members.map((one) => `${inner}${one},`).join('\n')}\n${indent}}`;
}

export function asRust({ state, tool, person, arguments: args, answer }: Copied): string {
  const access = state.server.access;
  const who = state.people?.find(({ id }) => id === person)?.name ?? person ?? 'alice';
  const status = answer?.status ?? 200;
  // A call that is refused is refused for what the person holds.
  const held = state.people?.find(({ id }) => id === person)?.token?.claims['scope'];
  const scopes = status !== 200 && typeof held === 'string' ? held : [...new Set(tool.scopes.map(({ scope }) => scope))].join(' ');
  const providers = [...new Set(tool.scopes.flatMap(({ provider }) => (provider ? [provider] : [])))];
  const failed = answer?.answer.kind === 'result' && isError(answer.answer.result);
  const outcome = status !== 200 ? `refused_with_${status}` : failed ? 'says_what_is_wrong' : 'answers';
  const uses = ['use serde_json::json;', `use toolgate::{${access === 'dev' && !(person === null && status !== 200) ? 'dev, ' : ''}prelude::*, testing::Client};`];
  const signedOut = person === null && status !== 200;
  const client: Record<typeof access, string[]> = {
    broker: [`let person = client.person(${rustText(who)});`, `let client = client.sign_in(&person, ${rustText(scopes)}).await?;`],
    dev: [`let client = client.with(dev::token(${rustText(who)}).scopes(${rustText(scopes)}));`],
    outside: ['// The issuer whose verifier the gate of `server()` has.', 'let issuer = issuer();', `let client = client.with(issuer.token(${rustText(who)}).scopes(${rustText(scopes)}));`],
    open: [],
  };
  const json = rustJson(args, '    ');
  const checks = status !== 200 ? [`assert_eq!(answer.status(), ${status});`] : [`assert!(${failed ? '' : '!'}answer.is_error(), "{}", answer.text());`];
  return [
    ...(json.includes('json!') ? uses : uses.slice(1)),
    '',
    '#[tokio::test]',
    `async fn ${identifier(tool.name)}_${outcome}() -> Result<()> {`,
    '    // The server as `main` builds it, but not served.',
    ...providers.map((provider) => `    // A \`FakeProvider\` stands in for ${provider}: its client is the server's in this test.`),
    '    let client = Client::of(server()).await?;',
    ...(signedOut ? [] : client[access]).map((line) => `    ${line}`),
    `    let answer = client.call(${rustText(tool.name)}, ${json}).await;`,
    ...checks.map((line) => `    ${line}`),
    '    Ok(())',
    '}',
    '',
  ].join('\n');
}

export function asTypeScript({ state, tool, arguments: args, era }: Copied): string {
  const value = parse(args).value ?? new JsonObject();
  const text = pretty(value).replaceAll('\n', '\n  ');
  const lossy = !exact53(value);
  return [
    "import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';",
    '',
    `const client = new Client({ name: 'my-client', version: '1.0.0' }${isModern(era) ? ", { versionNegotiation: { mode: 'auto' } }" : ''});`,
    `const transport = new StreamableHTTPClientTransport(new URL(${JSON.stringify(state.server.url)})${state.server.access === 'open' ? '' : ', {\n  requestInit: { headers: { authorization: `Bearer ${process.env.TOKEN}` } },\n}'});`,
    'await client.connect(transport);',
    ...(lossy ? ['// JavaScript rounds a number of these arguments: it has more than 53 bits.'] : []),
    'const result = await client.callTool({',
    `  name: ${JSON.stringify(tool.name)},`,
    `  arguments: ${text},`,
    '});',
    'console.log(result.structuredContent ?? result.content);',
    'await client.close();',
    '',
  ].join('\n');
}

function exact53(value: Json): boolean {
  if (value instanceof JsonNumber) return !/^-?\d+$/.test(value.text) || Number.isSafeInteger(Number(value.text));
  if (Array.isArray(value)) return value.every(exact53);
  return value instanceof JsonObject ? value.entries.every(([, inner]) => exact53(inner)) : true;
}
