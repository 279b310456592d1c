// One line of the trace for each event, in words.
import { schemaWords } from '../form/schema.ts';
import type { TraceEvent } from './events.ts';

export type Tone = 'good' | 'bad' | 'warn' | 'plain';
export type Leg = 'host' | 'broker' | 'person' | 'provider';

export interface Line {
  readonly title: string;
  readonly aside?: string;
  readonly detail?: string;
  readonly tone: Tone;
  readonly leg: Leg;
}

export const LEGS: Record<Leg, string> = {
  host: 'Host → this server',
  broker: 'Host → sign-in at this server',
  person: 'Person, in the browser',
  provider: 'This server → provider',
};

export const list = (items: readonly string[] | undefined) => (items?.length ? items.join(', ') : 'nothing');
export const plural = (count: number, one: string, many = `${one}s`) => `${count.toLocaleString('en')} ${count === 1 ? one : many}`;

/** A duration in seconds, in at most two units. */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min${s % 60 && s < 600 ? ` ${s % 60} s` : ''}`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h${Math.floor((s % 3600) / 60) ? ` ${Math.floor((s % 3600) / 60)} min` : ''}`;
  return plural(Math.floor(s / 86_400), 'day');
}

const words = (text: string | null | undefined) => (text ?? 'unknown').replaceAll('_', ' ');
const ms = (value: number | undefined) => (value === undefined ? undefined : value < 1 ? 'under 1 ms' : `${value.toLocaleString('en')} ms`);
const join = (...parts: (string | false | null | undefined | 0)[]) => parts.filter(Boolean).join(', ');
const line = (leg: Leg, tone: Tone, title: string, detail?: string, aside?: string): Line => ({ leg, tone, title, ...(detail ? { detail } : {}), ...(aside ? { aside } : {}) });

const TOKEN_CHECKS: Record<string, string> = {
  presence: 'No token', form: 'The token cannot be read', type: 'Not an access token', issuer: 'The token is from another issuer', audience: 'The token is for another server',
  time: 'The token is not valid now', signature: 'The signature is wrong', key: 'The key is not known', algorithm: 'The algorithm is not accepted', claim: 'A claim is missing',
  binding: 'The token is bound to a key', proof: 'The proof of possession is wrong', nonce: 'The proof needs a new nonce', activity: 'The issuer says it is not active', availability: 'It could not be checked', scope: 'The scopes do not suffice', other: 'The token is not valid',
};
const CALLBACKS: Record<string, string> = {
  code: 'a code', error: 'an error', no_code: 'no code', malformed: 'an answer that cannot be read', no_state: 'no state', no_cookie: 'no cookie of this browser', other_browser: 'from another browser',
  expired: 'too late', mismatch: 'from another issuer', no_client: 'for no client', store: 'the store failed', aborted: 'it was interrupted',
};
const CONSENT_REASONS: Record<string, string> = {
  not_connected: 'no account is connected', revoked: 'the access was revoked', interrupted: 'a refresh was interrupted', expired: 'the access has expired', other_address: 'the provider has another address now',
  scopes: 'the account was connected with less', other_client: 'the account was connected through another application',
};
const ASKED: Record<string, string> = { input_required: 'the host is asked to open a link', url_elicitation: 'the host is asked to open a link', text: 'the link is in the text of the result' };
const REQUEST_REASONS: Record<string, string> = {
  origin: 'a page of another site sent it', rate_limit: 'too many requests', session: 'the session is not known', sessions: 'too many sessions', streams: 'too many streams',
  method: 'the HTTP method is not served', body_too_large: 'the body is too large', body_broken: 'the body did not arrive', not_acceptable: 'the host does not accept JSON or events', message: 'it is not a message of the protocol',
};
const REFRESH_REASONS: Record<string, string> = { due: 'it expires soon', expired: 'it has expired', refused: 'the provider refused the token' };

type Words = (e: TraceEvent) => Line;
const WORDS: Record<string, Words> = {
  request_received: (e) => {
    const headers = e.headers ?? {};
    const tool = typeof headers['mcp_method'] === 'string' ? headers['mcp_method'] : '';
    return line('host', 'plain', e.transport === 'stdio' ? 'Message on standard input' : `${e.http_method ?? 'POST'} /mcp`, join(headers['protocol_version'] ? `version ${String(headers['protocol_version'])}` : undefined, headers['user_agent'] as string, headers['authorization'] === 'none' && 'without a token'), tool);
  },
  message_read: (e) => line('host', 'plain', e.tool ? `Call of ${e.tool}` : `Message ${e.method ?? ''}`, e.era && `version ${e.era}`),
  authenticated: (e) =>
    line('host', 'good', e.caller ? `Signed in as ${e.caller.subject}` : 'Token accepted', join(e.caller?.client && `through ${e.caller.client}`, `holds ${list(e.scopes)}`, e.expires_in_s != null && `${duration(e.expires_in_s)} left`)),
  anonymous: (e) => line('host', 'plain', 'No sign-in needed', e.reason === 'public_page' ? 'the page is public' : 'the server allows it'),
  token_refused: (e) => line('host', 'bad', e.expired_s_ago != null ? 'The token has expired' : (TOKEN_CHECKS[e.check ?? 'other'] ?? words(e.check)), join(e.expired_s_ago != null && `${duration(e.expired_s_ago)} ago`, e.valid_in_s != null && `valid in ${duration(e.valid_in_s)}`, e.found && `found ${[e.found].flat().join(', ')}`, e.expected && `expected ${schemaWords(e.expected)}`, e.detail)),
  request_refused: (e) => line('host', 'bad', 'Request refused', join(REQUEST_REASONS[e.reason ?? ''] ?? words(e.reason), e.retry_after_s && `again in ${duration(e.retry_after_s)}`), e.status ? `${e.status}` : undefined),
  challenged: (e) => line('host', 'warn', e.in_result ? 'Challenge in the result' : 'Challenge sent', join(e.error && words(e.error), e.scopes?.length && `asks for ${list(e.scopes)}`), e.status ? `${e.status}` : undefined),
  metadata_read: (e) => line('broker', 'plain', { protected_resource: 'Read where to sign in', authorization_server: 'Read how to sign in', jwks: 'Read the public keys' }[e.document ?? ''] ?? 'Metadata read', words(e.document)),
  scopes_checked: (e) => {
    const by = e.required?.filter((need) => need.held_by && need.held_by !== need.scope).map((need) => `${need.scope} by ${need.held_by}`);
    if (e.outcome === 'covered' && !e.required?.length) return line('host', 'plain', 'No scope of the token is needed');
    if (e.outcome === 'covered') return line('host', 'good', 'Scopes are covered', join(list(e.required?.map((need) => need.scope)), by?.length ? `implied: ${list(by)}` : undefined));
    const missing = e.required?.filter((need) => !need.held_by).map((need) => need.scope);
    return line('host', 'bad', e.outcome === 'no_caller' ? 'Nobody is signed in' : 'Scope missing', `${list(missing)} for ${e.tool}`);
  },
  step_up: (e) => line('host', e.outcome === 'widened' ? 'good' : e.outcome === 'refused' ? 'bad' : 'warn', { widened: 'The sign-in was widened', link: 'A link for more is in the answer', challenge: 'The host is asked to sign in for more', refused: 'No way to more' }[e.outcome ?? ''] ?? 'Step-up', list(e.missing)),
  arguments_refused: (e) => line('host', 'bad', e.path ? `Argument refused: ${e.path}` : 'Arguments refused', join(words(e.rule), e.expected && `expected ${schemaWords(e.expected)}`)),
  tool_called: (e) => line('host', 'plain', `${e.tool} runs`),
  call_ended: (e) => line('host', e.outcome === 'done' ? 'good' : e.outcome === 'consent_asked' ? 'warn' : 'bad', { done: `${e.tool} answered`, failed: `${e.tool} failed`, consent_asked: 'Answered with a link', refused: 'Refused before the tool ran', faulty: 'An error of the protocol', left: 'The host left' }[e.outcome ?? ''] ?? words(e.outcome), join(e.outcome !== 'done' && e.why && words(e.why)), ms(e.ms)),
  widget_page_read: (e) => line('host', 'good', `Page ${e.uri ?? ''} read`, e.live ? 'with live updates' : undefined),
  consent_needed: (e) => line('host', 'warn', `${e.provider} is needed`, join(CONSENT_REASONS[e.reason ?? ''] ?? words(e.reason), e.missing?.length && `wants ${list(e.missing)}`, ASKED[e.form ?? ''])),
  link_made: (e) => line('person', 'plain', 'Link made', list(e.scopes)),
  link_opened: (e) => line('person', e.by === 'other_person' ? 'bad' : 'good', 'Link opened', { owner: 'by the person it is for', local: 'on this machine', other_person: 'by another person: nothing happens', signed_out: 'by a browser that is not signed in yet' }[e.by ?? '']),
  account_use: (e) => line('person', e.decision === 'denied' ? 'bad' : e.decision === 'allowed' ? 'good' : 'plain', { asked: `May ${e.client} use the account?`, allowed: `${e.client} may use the account`, remembered: `${e.client} was allowed before`, denied: `${e.client} may not use the account` }[e.decision ?? ''] ?? 'Account'),
  authorization_requested: (e) => line('provider', 'plain', `Sent to ${e.provider} to agree`, join(list(e.scopes), e.origin)),
  callback_received: (e) => line('provider', e.outcome === 'code' ? 'good' : 'bad', `Back with ${CALLBACKS[e.outcome ?? ''] ?? words(e.outcome)}`),
  code_exchanged: (e) => line('provider', e.outcome === 'done' ? 'good' : 'bad', e.outcome === 'done' ? 'Code exchanged for a token' : 'The code was not exchanged', join(e.outcome !== 'done' && words(e.outcome), e.status && `status ${e.status}`, e.expires_in_s != null && `lives ${duration(e.expires_in_s)}`, e.refresh_token === false && 'no refresh token'), ms(e.ms)),
  grant_made: (e) => line('provider', e.withheld?.length ? 'warn' : 'good', `${e.provider} is connected`, join(`granted ${list(e.granted)}`, e.withheld?.length ? `withheld ${list(e.withheld)}` : undefined)),
  consent_failed: (e) => line('person', 'bad', `${e.provider} was not connected`, words(e.reason)),
  refresh_begun: (e) => line('provider', 'plain', `Refresh of the ${e.provider} token begins`, REFRESH_REASONS[e.reason ?? '']),
  refresh_joined: (e) => line('provider', 'warn', `Waits for the refresh of ${e.provider}`),
  refresh_done: (e) => line('provider', 'good', e.outcome === 'fresh' ? 'The token was fresh already' : 'Token refreshed', join(e.joined ? `${plural(e.joined, 'call')} waited for it, one request was sent` : undefined, e.rotated && 'new refresh token'), ms(e.ms)),
  refresh_failed: (e) => line('provider', 'bad', 'The refresh failed', join(words(e.reason), e.status && `status ${e.status}`, e.joined ? `${plural(e.joined, 'call')} waited for it` : undefined), ms(e.ms)),
  upstream_request: (e) => line('provider', e.failure || (e.status ?? 0) >= 400 ? 'bad' : 'good', `${(e.method ?? '').toUpperCase()} ${e.path}`, join(e.failure && words(e.failure), e.retried !== 'first' && e.retried && `again, because of ${words(e.retried)}`, e.origin), [e.status, ms(e.ms)].filter(Boolean).join(', ')),
  client_registered: (e) => line('broker', 'good', `${e.name ?? e.client ?? 'A host'} registered`),
  registration_refused: (e) => line('broker', 'bad', 'Registration refused', join(e.code, e.detail)),
  document_fetched: (e) => line('broker', e.outcome === 'fetched' || e.outcome === 'stale' ? 'good' : 'bad', `Document of ${e.host} ${e.outcome === 'stale' ? 'from the store' : words(e.outcome)}`, undefined, ms(e.ms)),
  authorization_begun: (e) => line('broker', 'plain', 'Sign-in begins', join(e.client, `asks for ${list(e.scopes)}`)),
  authorization_refused: (e) => line('broker', 'bad', 'Sign-in refused', join(e.code, e.detail)),
  broker_consent: (e) => line('person', e.decision === 'denied' ? 'bad' : e.decision === 'asked' ? 'plain' : 'good', { asked: 'The person is asked', remembered: 'Allowed before', allowed: 'The person allowed it', denied: 'The person refused' }[e.decision ?? ''] ?? 'Consent'),
  code_issued: (e) => line('broker', e.withheld?.length ? 'warn' : 'good', 'Code sent to the host', join(`granted ${list(e.granted)}`, e.withheld?.length ? `withheld ${list(e.withheld)}` : undefined)),
  tokens_issued: (e) => line('broker', 'good', e.grant_type === 'refresh_token' ? 'Token renewed' : 'Token issued', join(list(e.scopes), e.expires_in_s != null && `lives ${duration(e.expires_in_s)}`)),
  token_request_refused: (e) => line('broker', 'bad', 'No token issued', join(e.code, e.detail)),
  token_reused: (e) => line('broker', e.outcome === 'ended' ? 'bad' : 'warn', e.grant_type === 'authorization_code' ? 'A code was used twice' : 'A refresh token was used twice', e.outcome === 'ended' ? 'the sign-in was ended' : 'tolerated: hosts may repeat a request for a while'),
  step_up_decided: (e) => line('person', e.decision === 'denied' ? 'bad' : e.decision === 'asked' ? 'plain' : 'good', { asked: 'The person is asked for more', remembered: 'More was allowed before', allowed: 'More was allowed', denied: 'More was refused' }[e.decision ?? ''] ?? 'Step-up', list(e.scopes)),
};

/** The events that have words of their own. */
export const KNOWN_EVENTS = Object.keys(WORDS);

export function lineOf(event: TraceEvent): Line {
  return WORDS[event.event]?.(event) ?? line('host', 'plain', words(event.event), join(event.provider, event.reason && words(event.reason), event.outcome && words(event.outcome)));
}
