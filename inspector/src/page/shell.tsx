// The frame of the page: the server's name, who calls, what there is, and where the views go.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Button, Chip, Copy, Icon, Segments, countdown, useNow } from '../parts/ui.tsx';
import { beat, connected, era, log, narrow, notice, pane, perform, person, personId, route, state, tool } from '../state.ts';
import type { AccessState, State, Tool } from '../api.ts';
import { build, line } from '../build/build.ts';
import { BuildNotice, BuildPage, BuildState } from '../build/build_page.tsx';
import { CallPage } from '../call/call_page.tsx';
import { changesOf } from './changes.ts';
import { ChangesPage } from './changes_page.tsx';
import { DoctorPage, HostsPage, SavedPage, SessionPage } from './more_pages.tsx';
import { LogPage } from './log_page.tsx';
import { PeoplePage } from './people_page.tsx';
import { ResourcePage } from './resource_page.tsx';
import { TokenPage } from './token_page.tsx';
import { TracePanel } from './trace_panel.tsx';
import { WidgetPage } from './widget_page.tsx';

export function Shell() {
  const now = state.value;
  const main = useRef<HTMLElement>(null);
  const where = route.value.join('/');
  useEffect(() => {
    document.title = `${[(route.value[0] === 'log' ? undefined : route.value[1]) ?? route.value[0] ?? 'Inspector', now?.server.title].filter(Boolean).join(' · ')} · Inspector`;
    main.current?.scrollTo(0, 0);
  }, [where, now?.server.title]);
  if (!now) return <div class="loading">{notice.value ? <p role="alert">{notice.value.say}</p> : <p class="soft">Reading what the server offers</p>}</div>;
  return (
    <div class="shell" data-pane={pane.value}>
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); main.current?.focus(); }}>To the tool</a>
      <Header state={now} />
      <Nav state={now} />
      <main id="main" ref={main} tabIndex={-1}>
        <Notice />
        <View state={now} />
      </main>
      <TracePanel />
      <Tabs />
    </div>
  );
}

function View({ state }: { state: State }) {
  const [view, name] = route.value;
  if (tool.value) return <CallPage key={tool.value.name} tool={tool.value} />;
  switch (view) {
    case 'people':
      return <PeoplePage state={state} />;
    case 'token':
      return <TokenPage state={state} />;
    case 'log':
      return <LogPage />;
    case 'widget':
      return <WidgetPage key={name} state={state} name={name ?? ''} />;
    case 'resource':
      return <ResourcePage key={name} state={state} name={name ?? ''} />;
    case 'saved':
      return <SavedPage state={state} />;
    case 'doctor':
      return <DoctorPage />;
    case 'build':
      return <BuildPage />;
    case 'changes':
      return <ChangesPage state={state} />;
    case 'session':
      return <SessionPage state={state} />;
    case 'hosts':
      return <HostsPage state={state} />;
    default:
      return <p class="empty">{view === 'tools' ? `There is no tool “${name}” here.` : 'There is nothing here.'}</p>;
  }
}

function Notice() {
  const shown = notice.value;
  return (
    <div class="notices" role="status">
      {!connected.value && <p class="notice bad">The server does not answer. It is tried again.</p>}
      <BuildNotice shown={route.value[0] === 'build'} />
      {shown && <p class={shown.bad ? 'notice bad' : 'notice'}><span>{shown.say} {shown.link && <a href={shown.link} target="toolgate-consent">Open the page</a>}</span><button type="button" class="bare" aria-label="Close" onClick={() => (notice.value = undefined)}><Icon name="cross" /></button></p>}
    </div>
  );
}

function Header({ state }: { state: State }) {
  const { server, people } = state;
  return (
    <header class="top">
      <span class="mark" aria-hidden="true">{[...server.title][0]?.toUpperCase()}</span>
      <b class="server"><span class="title">{server.title}</span><span class={connected.value ? 'dot on' : 'dot'} role="img" aria-label={connected.value ? 'connected' : 'not connected'} /></b>
      <span class="address wide-only"><code>{server.url.replace(/^https?:\/\//, '')}</code><Copy kind="bare" text={server.url} label="Copy" /></span>
      <span class="grow" />
      <BuildState />
      {server.access !== 'open' && <People people={people} access={server.access} />}
      {server.access !== 'open' && <Life />}
      {server.eras.length > 1 && (
        <label class="wide-only era">
          <span class="offscreen">Version of the protocol</span>
          <select value={era.value} onChange={(event) => (era.value = event.currentTarget.value)} title="Version of the protocol">
            {server.eras.map((one) => <option key={one} value={one}>{one}</option>)}
          </select>
        </label>
      )}
      <Theme />
    </header>
  );
}

const MANY_PEOPLE = 3;

function People({ people, access }: { people: State['people']; access: State['server']['access'] }) {
  const add = () => void perform({ act: 'sign_in' });
  if (!people.length) return <Button kind="main" onClick={add}>Sign in</Button>;
  return (
    <span class="people">
      {people.length <= MANY_PEOPLE ? (
        <Segments label="Call as" value={personId.value ?? ''} options={people.map(({ id, name }) => [id, name] as const)} onPick={(id) => (personId.value = id)} />
      ) : (
        <select aria-label="Call as" value={personId.value ?? ''} onChange={(event) => (personId.value = event.currentTarget.value)}>
          {people.map(({ id, name }) => <option key={id} value={id}>{name}</option>)}
        </select>
      )}
      {access !== 'open' && <button type="button" class="quiet square" aria-label="Sign in another person" title="Sign in another person" onClick={add}><Icon name="plus" /></button>}
    </span>
  );
}

/** How long the token of the chosen person lives, as a ring. */
function Life() {
  const now = useNow();
  const token = person.value?.token;
  if (!token?.expires_at) return person.value && !token ? <a class="life wide-only" href="#/token">no token</a> : null;
  const seconds = (token.expires_at - now) / 1000;
  const share = Math.max(0, Math.min(1, seconds / Math.max(1, (token.expires_at - (token.issued_at ?? now)) / 1000)));
  const low = seconds < 60;
  return (
    <a class={low ? 'life low' : 'life'} href="#/token" aria-label={`Token of ${person.value?.name}: ${seconds > 0 ? `${countdown(seconds)} left` : 'expired'}`}>
      <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true">
        <circle class="track" cx="10" cy="10" r="7.5" />
        <circle class="left" cx="10" cy="10" r="7.5" pathLength="100" stroke-dasharray={`${share * 100} 100`} transform="rotate(-90 10 10)" />
      </svg>
      <span class="wide-only">{countdown(seconds)}</span>
    </a>
  );
}

const THEMES = ['auto', 'light', 'dark'] as const;

function Theme() {
  const [theme, setTheme] = useState<(typeof THEMES)[number]>(() => THEMES.find((one) => one === localStorage.getItem('toolgate-theme')) ?? 'auto');
  useEffect(() => {
    if (theme === 'auto') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = theme;
    localStorage.setItem('toolgate-theme', theme);
  }, [theme]);
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]!;
  return <button type="button" class="bare square" aria-label={`Colours: ${theme}. Change to ${next}`} title={`Colours: ${theme}`} onClick={() => setTheme(next)}><Icon name={theme === 'dark' ? 'moon' : theme === 'light' ? 'sun' : 'half'} /></button>;
}

const ACCESS: Record<AccessState, [tone: 'good' | 'warn' | 'bad' | 'plain', say: string]> = {
  callable: ['good', 'ready'],
  step_up: ['warn', 'step-up'],
  consent: ['warn', 'consent'],
  hidden: ['bad', 'hidden'],
  signed_out: ['plain', 'sign-in'],
};

const SEARCH_FROM = 9;

function Nav({ state }: { state: State }) {
  const [words, setWords] = useState('');
  const search = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== '/' || /^(INPUT|TEXTAREA|SELECT)$/.test((event.target as Element).tagName)) return;
      event.preventDefault();
      pane.value = 'nav';
      search.current?.focus();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
  void beat.value;
  const alone = narrow.value && pane.value === 'nav';
  const shown = state.tools.filter(({ name }) => name.toLowerCase().includes(words.toLowerCase()));
  const changes = state.previous ? changesOf(state.previous.tools, state.tools).length : 0;
  const also: [string, string, string?][] = [
    ['people', 'People × tools'],
    ['token', 'Token'],
    ['log', 'Messages', log.entries.length ? String(log.entries.length) : undefined],
    ...(build.value ? [['build', 'Build', line(build.value)] as [string, string, string]] : []),
    ['doctor', 'Doctor'],
    ['changes', 'Changes', changes ? String(changes) : undefined],
    ['session', 'Record'],
    ['hosts', 'Connect a host'],
  ].filter(([key]) => state.server.access !== 'open' || (key !== 'people' && key !== 'token')) as [string, string, string?][];
  return (
    <div class="nav" role={alone ? 'main' : 'presentation'}>
      <nav id="nav" aria-label="What there is">
      {state.tools.length >= SEARCH_FROM && (
        <label class="search"><Icon name="search" /><input ref={search} type="search" aria-label="Find a tool" placeholder="Find a tool" value={words} onInput={(event) => setWords(event.currentTarget.value)} /><kbd class="wide-only" aria-hidden="true">/</kbd></label>
      )}
      <h2 aria-level={alone ? 1 : 2}>Tools{person.value ? ` for ${person.value.name}` : ''}</h2>
      <ul>{shown.map((one) => <ToolLink key={one.name} tool={one} state={state} />)}</ul>
      {shown.length === 0 && <p class="soft note">{state.tools.length ? 'None is called so.' : 'This server has no tools.'}</p>}
      {state.tools.some(({ widget }) => widget) && (
        <>
          <h2>Widgets</h2>
          <ul>{state.tools.filter(({ widget }) => widget).map(({ name }) => <Link key={name} to={['widget', name]} mono>{name}</Link>)}</ul>
        </>
      )}
      {state.templates.length > 0 && (
        <>
          <h2>Resources</h2>
          <ul>{state.templates.map(({ name }) => <Link key={name} to={['resource', name]} mono>{name}</Link>)}</ul>
        </>
      )}
      {(state.can_save || state.calls.length > 0) && (
        <>
          <h2>Saved calls</h2>
          <ul>{state.calls.slice(0, 6).map(({ name, last }) => <Link key={name} to={['saved']} quiet mono note={last && <Chip tone={last.passed ? 'good' : 'bad'}>{last.passed ? 'passes' : 'fails'}</Chip>}>{name}</Link>)}
            <Link to={['saved']}>{state.calls.length ? 'All saved calls' : 'None yet'}</Link></ul>
        </>
      )}
      <h2>Also</h2>
      <ul>{also.map(([to, say, count]) => <Link key={to} to={[to]} note={count && <span class="count">{count}</span>}>{say}</Link>)}</ul>
      <div class="narrow-only nav-end">
        {state.server.eras.length > 1 && <label>Version <select value={era.value} onChange={(event) => (era.value = event.currentTarget.value)}>{state.server.eras.map((one) => <option key={one}>{one}</option>)}</select></label>}
        <Copy text={state.server.url} label="Copy the server’s URL" />
      </div>
    </nav>
    </div>
  );
}

function ToolLink({ tool, state }: { tool: Tool; state: State }) {
  const access = person.value?.access[tool.name]?.state ?? (state.server.access === 'open' ? 'callable' : 'signed_out');
  const [tone, say] = ACCESS[access];
  return <Link to={['tools', tool.name]} mono note={access === 'callable' ? <span class="ready" role="img" aria-label="ready" title="ready" /> : <Chip tone={tone}>{say}</Chip>}>{tool.name}</Link>;
}

function Link({ to, children, note, mono, quiet }: { to: string[]; children: ComponentChildren; note?: ComponentChildren; mono?: boolean; quiet?: boolean }) {
  const here = !quiet && to.join('/') === route.value.join('/');
  return (
    <li>
      <a href={`#/${to.map(encodeURIComponent).join('/')}`} aria-current={here ? 'page' : undefined} onClick={(event) => { if (here) { event.preventDefault(); pane.value = 'main'; } }}>
        <span class={mono ? 'mono' : undefined}>{children}</span>{note}
      </a>
    </li>
  );
}

/** On a phone, one of three at a time. */
function Tabs() {
  const tabs = [['nav', 'Tools', 'tools'], ['main', 'Call', 'play'], ['trace', 'Trace', 'trace']] as const;
  return (
    <nav class="tabs narrow-only" aria-label="Parts of the page">
      {tabs.map(([key, say, icon]) => <button type="button" key={key} aria-pressed={pane.value === key} onClick={() => (pane.value = key)}><Icon name={icon} />{say}</button>)}
    </nav>
  );
}
