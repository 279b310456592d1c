// Refusal cards: why a call did not reach its result, from the events of the process that decided.
import type { Act, State } from '../api.ts';
import { schemaWords } from '../form/schema.ts';
import type { TraceEvent } from './events.ts';
import { reactionsTo, type AnswerForm, type HostReaction } from './hosts.ts';
import { tokenRefusal } from './token_refusals.ts';
import { duration, list, plural } from './words.ts';

export interface Mend {
  readonly label: string;
  readonly act: Act;
}

export interface Card {
  readonly kind: string;
  readonly tone: 'bad' | 'warn';
  readonly title: string;
  readonly found?: string;
  readonly expected?: string;
  readonly check: string;
  /** Which tool or scope wanted it. */
  readonly by?: string;
  readonly answer?: string;
  readonly hosts: readonly HostReaction[];
  readonly todo?: string;
  readonly mend?: Mend;
}

interface Where {
  readonly state: State | undefined;
  readonly person: string | null;
  readonly events: readonly TraceEvent[];
  /** The path of the request, with its query. */
  readonly path?: string;
}

const find = (events: readonly TraceEvent[], ...kinds: string[]) => events.findLast((event) => kinds.includes(event.event));
const quote = (scopes: readonly string[]) => scopes.map((scope) => `“${scope}”`).join(' and ');

/** The card for the events of one call, or `undefined` if nothing was refused. */
export function cardOf(where: Where): Card | undefined {
  const { events } = where;
  const ended = find(events, 'call_ended');
  if (ended?.outcome === 'done') return undefined;
  const decisive = find(events, 'token_refused', 'request_refused', 'arguments_refused', 'consent_failed', 'consent_needed', 'refresh_failed', 'registration_refused', 'authorization_refused', 'token_request_refused');
  const scopes = find(events, 'scopes_checked');
  // A consent that was asked for says more than the scopes that passed before it.
  if (scopes && scopes.outcome !== 'covered' && find(events, 'step_up')?.outcome !== 'widened') return missingScopes(scopes, where);
  if (decisive && decisive.event !== 'refresh_failed') return MAKE[decisive.event]!(decisive, where);
  const upstream = find(events, 'upstream_request');
  if (decisive) return MAKE[decisive.event]!(decisive, where);
  if (upstream && (upstream.failure || (upstream.status ?? 0) >= 400)) return upstreamFailed(upstream, where);
  return ended ? callEnded(ended, where) : undefined;
}

const development = ({ state }: Where) => state?.server.development ?? false;

/** What the person is called, whose id names the provider as well. */
const nameOf = ({ state, person }: Where) => state?.people?.find(({ id }) => id === person)?.name ?? person;

/** The button that mends it, where the server is in development and someone is signed in. */
function mend(where: Where, label: string, act: (person: string) => Act): { mend?: Mend } {
  return development(where) && where.person !== null ? { mend: { label, act: act(where.person) } } : {};
}

function answer(where: Where): { answer?: string } {
  const { events } = where;
  const challenge = find(events, 'challenged');
  const refused = find(events, 'token_refused', 'request_refused');
  const status = challenge?.status ?? refused?.status;
  const parts = [status ? `${status}` : 'a result', challenge?.error, challenge?.in_result && 'with the challenge in its _meta', nameOf(where) && `for ${nameOf(where)}`];
  return { answer: parts.filter(Boolean).join(', ') };
}

function hosts(form: AnswerForm): { hosts: HostReaction[] } {
  return { hosts: reactionsTo(form) };
}

function signIn(where: Where, label = 'Sign in'): { mend?: Mend } {
  if (!where.state || where.state.server.access === 'open') return {};
  return { mend: { label: where.person ? `${label} as ${nameOf(where)}` : label, act: { act: 'sign_in', ...(where.person ? { person: where.person } : {}) } } };
}

function missingScopes(e: TraceEvent, where: Where): Card {
  const missing = e.required?.filter((need) => !need.held_by).map((need) => need.scope) ?? [];
  const step = find(where.events, 'step_up');
  const inResult = find(where.events, 'challenged')?.in_result;
  const form: AnswerForm = step?.outcome === 'link' ? 'link_in_text' : inResult ? 'result_challenge' : e.outcome === 'no_caller' ? 'sign_in' : 'step_up';
  if (e.outcome === 'no_caller') {
    return { kind: 'no_caller', tone: 'bad', title: `Refused before the tool ran: nobody is signed in, and ${e.tool} wants ${quote(missing)}`, found: 'no token', expected: list(missing), check: 'scopes of the called tool (RFC 6750 §3.1)', by: `the tool ${e.tool} declares ${list(missing)}`, ...answer(where), ...hosts(form), ...signIn(where) };
  }
  const implied = e.required?.filter((need) => need.held_by && need.held_by !== need.scope).map((need) => `${need.held_by} implies ${need.scope}`);
  return {
    kind: 'missing_scope', tone: 'bad', title: `Refused before the tool ran: the token does not cover ${quote(missing)}`,
    found: list(e.held), expected: list(e.required?.map((need) => need.scope)), check: 'scopes of the called tool (RFC 6750 §3.1)',
    by: `the tool ${e.tool} declares ${list(missing)}${implied?.length ? `; ${implied.join(', ')}` : ', and nothing that is held implies it'}`,
    ...answer(where), ...hosts(form), ...mend(where, `Allow ${list(missing)} for ${nameOf(where)}`, (person) => ({ act: 'widen', person, scopes: missing })),
  };
}

const REACHED: Record<string, string> = { connect: 'no connection: nothing listens there, or it is refused', timeout: 'a timeout: no answer in time', broken: 'an answer that broke off' };

function upstreamFailed(e: TraceEvent, where: Where): Card {
  const refused = e.status === 401 || e.status === 403;
  const request = `${(e.method ?? '').toUpperCase()} ${e.path}`;
  const title = e.failure ? `The tool failed: ${e.provider} was not reached` : `The tool failed: ${e.provider} answered ${e.status}`;
  return {
    kind: e.failure ? 'upstream_unreachable' : refused ? 'upstream_refused' : 'upstream_error', tone: 'bad', title, found: e.failure ? (REACHED[e.failure] ?? e.failure) : `${e.status} to ${request}`, expected: '200 to 299',
    check: `${e.provider}’s own answer`, by: `${request} at ${e.origin ?? e.provider}`, answer: 'a result that says so, without the provider’s words', ...hosts('tool_error'),
    todo: e.status === 429 ? `${e.provider} limits requests: the server waits as long as it says.` : refused ? 'The account may do less than its token says, or the provider wants another scope.' : 'The request and the time are in the trace.',
    ...(refused ? mend(where, `Connect ${e.provider} again`, (person) => ({ act: 'connect', person, provider: e.provider ?? '' })) : {}),
  };
}

function callEnded(e: TraceEvent, where: Where): Card | undefined {
  if (e.outcome === 'left') return { kind: 'left', tone: 'warn', title: 'The host left before the tool answered', found: `gone after ${e.ms ?? 0} ms`, expected: 'a connection that waits', check: 'the connection', by: `the tool ${e.tool}`, hosts: [], todo: 'Several hosts end a call after 60 seconds. A tool that takes longer reports progress.' };
  if (e.outcome === 'faulty') return { kind: 'faulty', tone: 'bad', title: 'The request is an error of the protocol', found: (e.why || 'something else').replaceAll('_', ' '), expected: 'a request that the protocol has', check: 'the protocol', by: `the call of ${e.tool}`, answer: 'a JSON-RPC error', ...hosts('message') };
  if (e.error === 'internal') return { kind: 'internal', tone: 'bad', title: `The tool ${e.tool} broke`, found: 'a panic, or a fault of the server', expected: 'a result or an error', check: 'the tool’s own code', by: `the tool ${e.tool}`, answer: 'internal error, without details', ...hosts('broken'), todo: 'The message is in the server’s log, not in the answer.' };
  if (e.error === 'scope_missing') {
    const scopes = where.state?.tools?.find(({ name }) => name === e.tool)?.scopes.filter(({ provider }) => provider) ?? [];
    const provider = scopes[0]?.provider ?? 'the provider';
    return { kind: 'withheld', tone: 'bad', title: `The tool did not run: ${provider} withheld what it needs`, found: `${provider} was asked, and did not grant it`, expected: list(scopes.map(({ scope }) => scope)), check: `access to ${provider} for this person`, by: `the tool ${e.tool}, which uses ${provider}`, answer: 'a result that says who can change that', ...hosts('tool_error'), todo: `Asking again helps only if the person left it out there. Otherwise an administrator of ${provider} has to allow it.` };
  }
  if (e.outcome === 'failed') return { kind: 'tool_error', tone: 'bad', title: `The tool ${e.tool} returned an error`, found: (e.why || e.error || 'an error of its own').replaceAll('_', ' '), expected: 'a result', check: 'the tool’s own code', by: `the tool ${e.tool}`, answer: 'a result with isError', ...hosts('tool_error') };
  return { kind: 'refused', tone: 'bad', title: 'Refused before the tool ran', found: (e.why || 'a refusal').replaceAll('_', ' '), expected: 'leave to run', check: 'the server', ...answer(where), ...hosts('tool_error') };
}

const REQUESTS: Record<string, [title: string, found: string, expected: string, check: string, form: AnswerForm, todo: string]> = {
  origin: ['a page of another site sent the request', 'an Origin that is not allowed', 'no Origin, or an allowed one', 'protection against pages of other sites', 'message', 'Allow the origin with Gate::allow_origin, if it is yours.'],
  rate_limit: ['too many requests', 'more requests than the limit', 'fewer', 'rate limit', 'slow_down', 'Wait, or raise the limit: Gate::rate_limit_per_subject and rate_limit_per_ip.'],
  session: ['the session is not known', 'a session that has ended, or is another person’s', 'a live session, or none', 'session (2025-11-25)', 'message', 'Hosts start another session by themselves.'],
  sessions: ['too many sessions', 'a full table of sessions', 'a free place', 'sessions of one person', 'slow_down', 'Hosts that end without DELETE leave sessions behind; they expire.'],
  streams: ['too many streams', 'more open streams than the limit', 'fewer', 'streams of one person', 'slow_down', 'Each stream is a host that listens.'],
  method: ['the HTTP method is not served', 'another method', 'POST', 'HTTP method', 'message', 'Version 2026-07-28 has POST alone.'],
  body_too_large: ['the body is too large', 'more bytes than the limit', 'fewer', 'size of the body', 'message', 'Send less, or raise the limit.'],
  body_broken: ['the body did not arrive', 'a connection that broke', 'the whole body', 'reading the body', 'message', 'The host, or a proxy before this server, ended the request.'],
  not_acceptable: ['the host accepts neither JSON nor events', 'another Accept header', 'application/json, text/event-stream', 'content negotiation', 'message', 'Look at the Accept header in the log.'],
  message: ['the body is not a message of the protocol', 'something else', 'one JSON-RPC request', 'form of the message', 'message', 'Look at the body in the log.'],
};
const RULES: Record<string, string> = { missing: 'it is required', unknown: 'it is not known', type: 'its type', range: 'its range', length: 'its length', pattern: 'its pattern', one_of: 'its choices', duplicate: 'no duplicates', other: 'its rule' };
const FAILURES: Record<string, string> = {
  access_denied: 'the person refused', error: 'the provider answered with an error', no_code: 'the provider sent no code', mismatch: 'the answer is from another issuer or path', no_client: 'the provider has no client here', exchange: 'the code was not exchanged',
  other_account: 'another account was chosen than before', unidentified: 'the account cannot be told', too_many_accounts: 'as many accounts are connected as may be', store: 'the store failed', client_refused: 'the provider refuses this server’s client', use_denied: 'the person did not let the application use the account',
};

const MAKE: Record<string, (e: TraceEvent, where: Where) => Card> = {
  token_refused: (e, where) => {
    const { title, check, found, expected, todo, again } = tokenRefusal(e, where.path);
    const by = `this server, for every call${e.issuer && e.check !== 'issuer' ? `; the token says that it is from ${e.issuer}` : ''}`;
    const mended = again ? (e.check === 'presence' ? signIn(where) : mend(where, `Sign in again as ${nameOf(where)}`, (person) => ({ act: 'renew', person }))) : {};
    return { kind: `token_${e.expired_s_ago != null ? 'expired' : (e.check ?? 'other')}`, tone: 'bad', title: `Request refused: ${title}`, found, expected, check, by, ...answer(where), ...hosts(e.status === 503 ? 'slow_down' : 'sign_in'), todo: e.hint ?? todo, ...mended };
  },
  request_refused: (e, where) => {
    const [title, found, expected, check, form, todo] = REQUESTS[e.reason ?? ''] ?? [(e.reason ?? 'not allowed').replaceAll('_', ' '), 'this request', 'another', 'the endpoint', 'message', ''];
    const wait = e.retry_after_s ? ` Again in ${duration(e.retry_after_s)}.` : '';
    const clear = e.reason === 'rate_limit' || e.reason === 'sessions' ? { ...(development(where) ? { mend: { label: 'Clear the counters', act: { act: 'clear' } as const } } : {}) } : {};
    return { kind: `request_${e.reason}`, tone: 'bad', title: `Request refused: ${title}`, found, expected, check, ...answer(where), ...hosts(form), todo: todo + wait, ...clear };
  },
  arguments_refused: (e, where) => ({
    kind: `argument_${e.rule}`, tone: 'bad', title: e.path ? `Refused before the tool ran: the argument “${e.path}” does not fit` : 'Refused before the tool ran: the arguments do not fit', found: { missing: 'nothing', unknown: 'a name that the tool does not have', type: 'a value of another type' }[e.rule ?? ''] ?? 'a value outside of it',
    expected: schemaWords(e.expected) ?? 'what the schema says', check: `the schema of the tool: ${RULES[e.rule ?? ''] ?? 'its rule'}`, by: `the tool ${e.tool}${e.path ? `, argument ${e.path}` : ''}`, answer: `a result that names the argument and the rule${where.person ? `, for ${nameOf(where)}` : ''}`, ...hosts('argument'), todo: 'Change the argument in the form and call again.',
  }),
  consent_needed: (e, where) => {
    const reason = { not_connected: `no ${e.provider} account is connected`, revoked: `the access at ${e.provider} was revoked`, interrupted: `a refresh at ${e.provider} was interrupted`, expired: `the access at ${e.provider} has expired`, other_address: `${e.provider} has another address than before`, scopes: `the ${e.provider} account was connected with less`, other_client: `the ${e.provider} account was connected through another application` }[e.reason ?? ''] ?? `${e.provider} is not connected`;
    const wants = e.missing?.length ? e.missing : undefined;
    return {
      kind: `consent_${e.reason}`, tone: 'warn', title: `Waits for ${nameOf(where) ?? 'the person'}: ${reason}`, found: e.held?.length ? list(e.held) : 'no access', expected: wants ? list(wants) : 'access', check: `access to ${e.provider} for this person`,
      by: `the tool ${e.tool}, which uses ${e.provider}`, answer: { input_required: 'input_required with a link to open', url_elicitation: 'error -32042 with a link to open', text: 'a result with the link in its text' }[e.form ?? ''] ?? 'a link', ...hosts(e.form === 'text' ? 'link_in_text' : 'open_link'),
      mend: { label: `Connect ${e.provider}`, act: { act: 'connect', person: where.person ?? '', provider: e.provider ?? '', ...(wants ? { scopes: wants } : {}) } },
    };
  },
  consent_failed: (e, where) => ({
    kind: `consent_failed_${e.reason}`, tone: 'bad', title: `${e.provider} was not connected: ${FAILURES[e.reason ?? ''] ?? e.reason}`, found: FAILURES[e.reason ?? ''] ?? 'a failure', expected: 'a code for a token', check: `the way back from ${e.provider}`, by: 'the call that asked for the account', answer: 'a page in the browser; the call stays unanswered or gets its link again', ...hosts('link_in_text'),
    ...mend(where, `Connect ${e.provider}`, (person) => ({ act: 'connect', person, provider: e.provider ?? '' })),
  }),
  refresh_failed: (e, where) => ({
    kind: `refresh_${e.reason}`, tone: 'bad', title: `The ${e.provider} token could not be refreshed${e.joined ? `, and ${plural(e.joined, 'call')} waited for it` : ''}`, found: `${(e.reason ?? 'a failure').replaceAll('_', ' ')}${e.status ? `, status ${e.status}` : ''}`, expected: 'a new access token', check: `refresh at ${e.provider} (RFC 6749 §6)`, by: 'a call that uses the account', answer: e.reason === 'dead' || e.reason === 'missing' ? 'a link to connect again' : 'a result that says: try later', ...hosts('link_in_text'),
    ...mend(where, `Connect ${e.provider} again`, (person) => ({ act: 'connect', person, provider: e.provider ?? '' })),
  }),
  registration_refused: (e) => ({ kind: 'registration', tone: 'bad', title: 'The host could not register', found: e.detail ?? e.code ?? 'its registration', expected: 'redirect URIs and methods that are allowed', check: 'dynamic registration (RFC 7591)', answer: `400, ${e.code}`, ...hosts('message') }),
  authorization_refused: (e) => ({ kind: 'authorization', tone: 'bad', title: 'The sign-in was refused', found: e.detail ?? e.code ?? 'its request', expected: 'a request by a client that is known', check: 'authorization request (RFC 6749 §4.1.1)', answer: `${e.code}, by redirect or on a page`, ...hosts('message') }),
  token_request_refused: (e) => ({ kind: 'token_request', tone: 'bad', title: 'No token was issued', found: e.detail ?? e.code ?? 'its request', expected: 'a code or a refresh token that is still good', check: 'token request (RFC 6749 §5.2)', answer: `400, ${e.code}`, ...hosts('sign_in') }),
};

/** The reasons that have words of their own. */
export const KNOWN_REASONS = { requests: Object.keys(REQUESTS), rules: Object.keys(RULES), failures: Object.keys(FAILURES), cards: Object.keys(MAKE) };
