// Refusals of a token: which check failed, and what mends it.
import { schemaWords } from '../form/schema.ts';
import type { TraceEvent } from './events.ts';
import { duration } from './words.ts';

export interface TokenRefusal {
  readonly title: string;
  readonly check: string;
  readonly found: string;
  readonly expected: string;
  readonly todo: string;
  /** Whether signing in again helps. */
  readonly again: boolean;
}

type Make = (e: TraceEvent) => TokenRefusal;
const found = (e: TraceEvent, otherwise: string) => (e.found?.length ? [e.found].flat().join(', ') : otherwise);
const of = (title: string, check: string, found: string, expected: string, todo: string, again = true): TokenRefusal => ({ title, check, found, expected, todo, again });

const TABLE: Record<string, Make> = {
  presence: () => of('the request has no token', 'presence of a token (RFC 6750 §2)', 'no Authorization header', 'Authorization: Bearer …', 'The host has to sign in first. The challenge tells it where.'),
  form: (e) => of('the token cannot be read', 'form of the credentials (RFC 6750 §2.1)', e.detail ?? 'malformed credentials', 'Bearer, a space, and one token', 'The host sends something else than it was given. Look at its Authorization header in the log.'),
  type: (e) => of('the token is not an access token', 'type of the token, typ (RFC 9068 §2.1)', found(e, 'no typ'), 'at+jwt', 'An ID token was sent, or the issuer does not write typ: see accept_plain_jwt.'),
  issuer: (e) => of('the token is from another issuer', 'issuer, iss (RFC 9068 §4)', found(e, 'no iss'), schemaWords(e.expected) ?? 'the issuer of this server', 'The host signed in elsewhere, or the server is configured for another issuer. A slash at the end counts.'),
  audience: (e) => of('the token is for another server', 'audience, aud (RFC 8707)', found(e, 'no aud'), schemaWords(e.expected) ?? 'the URL of this server', 'The issuer has to honour the parameter resource, or this server has to know the audience that the issuer writes.'),
  time: (e) =>
    e.expired_s_ago != null
      ? of(`the token expired ${duration(e.expired_s_ago)} ago`, 'lifetime, exp (RFC 7519 §4.1.4)', `expired ${duration(e.expired_s_ago)} ago`, 'a time to come', 'The host refreshes its token and repeats the call. If it does not, its refresh token is gone.')
      : of('the token is not valid yet', 'lifetime, nbf and iat (RFC 7519 §4.1.5)', e.valid_in_s != null ? `valid in ${duration(e.valid_in_s)}` : 'a time to come', 'now, or earlier', 'The clocks of the issuer and of this server differ.', false),
  signature: () => of('the signature of the token is wrong', 'signature (RFC 7515 §5.2)', 'a signature by another key, or a changed token', 'a signature by the key that the issuer publishes', 'The token was changed on the way, or the issuer has new keys under an old name.'),
  key: (e) => of('the key of the token is not known', 'key, kid (RFC 7517 §4.5)', e.key ?? 'no kid', 'a key that the issuer publishes', 'The issuer has changed its keys and the token is older, or it is from another issuer.'),
  algorithm: (e) => of('the algorithm of the token is not accepted', 'algorithm, alg (RFC 8725 §3.1)', found(e, 'another algorithm'), schemaWords(e.expected) ?? 'an asymmetric algorithm', 'Change the signing algorithm at the issuer.', false),
  claim: (e) => of('a claim of the token is missing', 'claims (RFC 9068 §2.2)', e.detail ? `${e.detail} is missing or has no meaning` : 'a claim without meaning', 'sub, iss, aud and exp', 'Add the claim at the issuer.', false),
  binding: () => of('the token is bound to a key that the request does not prove', 'sender constraint, cnf (RFC 9449, RFC 8705)', 'no proof of possession', 'a DPoP proof or a client certificate', 'The host has to send the proof with each request.', false),
  proof: (e) => of('the proof of possession is wrong', 'DPoP proof (RFC 9449 §4.3)', e.detail ?? 'a proof that does not hold', 'a fresh proof for this method and URL', 'The host signs for another URL, or its clock is wrong.', false),
  nonce: () => of('the proof needs a new nonce', 'DPoP nonce (RFC 9449 §9)', 'no nonce, or an old one', 'the nonce in the answer', 'The host repeats the request with the nonce. Nothing is to be done.'),
  activity: () => of('the issuer says that the token is not active', 'introspection (RFC 7662 §2.2)', 'active: false', 'active: true', 'The token was revoked, has expired, or belongs to another issuer.'),
  availability: () => of('the token could not be checked', 'reaching the issuer', 'no answer from the issuer', 'its keys, or its introspection', 'Look at the issuer. The server tries again by itself.', false),
  scope: (e) => of('the scopes of the token do not suffice', 'scopes (RFC 6750 §3.1)', found(e, 'other scopes'), schemaWords(e.expected) ?? 'the scopes of the called tool', 'The host has to ask for the scopes when it signs in.'),
};

export const TOKEN_CHECKS = Object.keys(TABLE);

const IN_QUERY = of('the token is in the query, where it does not count', 'presence of a token (RFC 6750 §2)', 'access_token in the query, and no Authorization header', 'Authorization: Bearer …', 'Queries are written into logs, so a token in one is not read (RFC 9700 §4.3.2). The host has to send it in the header.', false);

export const tokenRefusal = (e: TraceEvent, path = ''): TokenRefusal =>
  e.check === 'presence' && /[?&]access_token=/.test(path) ? IN_QUERY : TABLE[e.check ?? '']?.(e) ?? of('the token is not valid', 'the verifier of this server', found(e, e.detail ?? 'a token that it refuses'), schemaWords(e.expected) ?? 'a token that it accepts', 'The verifier gives no further reason.');
