// The token of the chosen person: what is in it, how long it lives, what it covers, and what happens if it breaks.
import { Button, Chip, Empty, Heading, countdown, useNow } from '../parts/ui.tsx';
import { perform, person } from '../state.ts';
import type { Person, State, Token } from '../api.ts';
import { duration } from '../trace/words.ts';

const MEANINGS: Record<string, string> = {
  iss: 'issuer', sub: 'the person', aud: 'for which server', exp: 'expires', iat: 'issued', nbf: 'not before', jti: 'name of this token', client_id: 'the application', azp: 'the application', scope: 'scopes', scp: 'scopes', typ: 'type', alg: 'algorithm', kid: 'key', cnf: 'bound to a key', auth_time: 'signed in', sid: 'sign-in',
};
const TIMES = new Set(['exp', 'iat', 'nbf', 'auth_time']);

export function TokenPage({ state }: { state: State }) {
  const now = useNow();
  const who = person.value;
  if (!who) return <article><Heading title="Token">Nobody is signed in yet.</Heading><Button kind="main" onClick={() => void perform({ act: 'sign_in' })}>Sign in</Button></article>;
  if (!who.token) return <article><Heading title={`Token of ${who.name}`}>There is none now.</Heading><Button kind="main" onClick={() => void perform({ act: 'sign_in', person: who.id })}>Sign in as {who.name}</Button></article>;
  const token = who.token;
  const resource = state.server.resource;
  const audience = token.audience.includes(resource);
  return (
    <article class="token">
      <Heading title={`Token of ${who.name}`}>The page never has the token itself: the server adds it to what is sent.</Heading>
      <Lifetime token={token} now={now} />
      <section class="facts">
        <Fact name="Audience" good={audience} found={token.audience.join(', ') || 'none'} say={audience ? 'this server' : `this server is ${resource}`} />
        <Fact name="Issuer" good found={token.issuer} say={token.format === 'jwt' ? 'a JWT, checked here' : 'opaque, checked by the issuer'} />
      </section>
      <Coverage token={token} />
      {token.faults.length > 0 && <Faults who={who} token={token} />}
      <Claims token={token} now={now} />
    </article>
  );
}

function Lifetime({ token, now }: { token: Token; now: number }) {
  if (token.expires_at === undefined) return <p class="soft">It has no end of its own.</p>;
  const left = (token.expires_at - now) / 1000;
  const whole = token.issued_at === undefined ? undefined : (token.expires_at - token.issued_at) / 1000;
  const tone = left <= 0 ? 'bad' : left < 60 ? 'warn' : 'good';
  return (
    <section class={`lifetime ${tone}`} aria-label="Lifetime">
      <span class="big" role="timer" aria-live="off">{countdown(left)}</span>
      <span class="soft">{left > 0 ? 'left' : `for ${duration(-left)}: the next call is refused`}{whole === undefined ? '' : `, of ${duration(whole)}`}</span>
      <progress max={whole ?? Math.max(left, 1)} value={Math.max(0, left)} aria-label="Share of the lifetime that is left" />
    </section>
  );
}

function Fact({ name, found, say, good }: { name: string; found: string; say: string; good: boolean }) {
  return (
    <div class={good ? 'fact good' : 'fact bad'}>
      <h2>{name}<Chip tone={good ? 'good' : 'bad'}>{good ? 'matches' : 'does not match'}</Chip></h2>
      <code>{found}</code>
      <p class="soft">{say}</p>
    </div>
  );
}

function Coverage({ token }: { token: Token }) {
  if (!token.coverage.length) return <Empty>No tool of this server declares a scope.</Empty>;
  return (
    <section aria-label="Scopes">
      <h2>Which scopes it covers</h2>
      <div class="scroll" tabIndex={0} role="region" aria-label="Scopes and tools">
        <table>
          <thead><tr><th scope="col">Declared scope</th><th scope="col">Covered</th><th scope="col">Needed by</th></tr></thead>
          <tbody>
            {token.coverage.map(({ scope, held_by, tools, provider }) => (
              <tr key={`${provider}${scope}`}>
                <th scope="row"><code>{scope}</code>{provider && <small class="soft">at {provider}</small>}</th>
                <td>{held_by === null ? <Chip tone="warn">not covered</Chip> : held_by === scope ? <Chip tone="good">held</Chip> : <><Chip tone="good">implied</Chip> <span class="soft">by <code>{held_by}</code></span></>}</td>
                <td class="soft">{tools.join(', ')}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

const FAULTS: Record<NonNullable<Token['fault']>, string> = { expired: 'It was made to expire.', revoked: 'It was revoked.', signature: 'Its signature was broken.', scope: 'A scope was taken away.' };

function Faults({ who, token }: { who: Person; token: Token }) {
  const person = who.id;
  const held = token.coverage.filter(({ scope, held_by }) => held_by === scope);
  return (
    <section aria-label="Faults">
      <h2>What happens if</h2>
      {token.fault ? <p class="warning">{FAULTS[token.fault]} The next call shows what the server does. <Button onClick={() => void perform({ act: 'renew', person })}>Get a good token</Button></p> : <p class="soft">In development a token can be broken on purpose. The next call shows what happens.</p>}
      <div class="row">
        {token.faults.includes('expire') && <Button onClick={() => void perform({ act: 'expire', person })}>It expires</Button>}
        {token.faults.includes('revoke') && <Button onClick={() => void perform({ act: 'revoke', person })}>It is revoked</Button>}
        {token.faults.includes('break_signature') && <Button onClick={() => void perform({ act: 'break_signature', person })}>Its signature is wrong</Button>}
        {token.faults.includes('drop_scope') && held.map(({ scope }) => <Button key={scope} onClick={() => void perform({ act: 'drop_scope', person, scope })}>It lacks {scope}</Button>)}
        <Button onClick={() => void perform({ act: 'sign_out', person })}>{who.name} signs out</Button>
      </div>
    </section>
  );
}

function Claims({ token, now }: { token: Token; now: number }) {
  const rows = [...Object.entries(token.header ?? {}).map(([key, value]) => [key, value, 'header'] as const), ...Object.entries(token.claims).map(([key, value]) => [key, value, 'claim'] as const)];
  const show = (key: string, value: unknown) => (typeof value === 'string' ? value : TIMES.has(key) && typeof value === 'number' ? new Date(value * 1000).toISOString().replace('.000Z', 'Z') : JSON.stringify(value));
  const relative = (value: number) => (value * 1000 > now ? `in ${duration(value - now / 1000)}` : `${duration(now / 1000 - value)} ago`);
  return (
    <section aria-label="Claims">
      <h2>Claims</h2>
      <div class="scroll" tabIndex={0} role="region" aria-label="Table of claims">
        <table>
          <thead><tr><th scope="col">Claim</th><th scope="col">Value</th><th scope="col">Meaning</th></tr></thead>
          <tbody>
            {rows.map(([key, value, place]) => (
              <tr key={place + key}>
                <th scope="row"><code>{key}</code></th>
                <td><code>{show(key, value)}</code>{TIMES.has(key) && typeof value === 'number' && <small class="soft">{relative(value)}</small>}</td>
                <td class="soft">{MEANINGS[key] ?? ''}{place === 'header' ? ' (header)' : ''}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
