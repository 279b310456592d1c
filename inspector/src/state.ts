// What the page knows and shows. One place, so that every view is of the same moment.
import { batch, computed, signal, type Signal } from '@preact/signals';
import { ApiError, act, listen, loadState, type Act, type Done, type Exchange, type State, type WidgetNote } from './api.ts';
import { forgetBuild, takeBuild, viewReloads } from './build/build.ts';
import { draftOf, type Draft } from './form/draft.ts';
import { Log, Trace } from './trace/store.ts';
import type { TraceEvent } from './trace/events.ts';

export const state = signal<State | undefined>(undefined);
export const connected = signal(true);
export const notice = signal<{ readonly say: string; readonly bad: boolean; readonly link?: string } | undefined>(undefined);
export const personId = signal<string | null>(null);
export const era = signal('2026-07-28');
export const route = signal<readonly string[]>([]);
export const pane = signal<'nav' | 'main' | 'trace'>('main');
/** Whether one pane is shown at a time. */
export const narrow = signal(false);
/** The span that the trace shows, and whether it follows the newest call. */
export const chosen = signal<string | undefined>(undefined);

export const trace = new Trace();
export const log = new Log();
/** Counts changes of the trace and the log, at most one for each frame. */
export const beat = signal(0);
export const widgetNotes = signal<readonly WidgetNote[]>([]);

export const person = computed(() => state.value?.people.find(({ id }) => id === personId.value));
/** What a person is called. */
export const calledBy = (id: string | null) => state.value?.people.find((one) => one.id === id)?.name ?? id;
export const tool = computed(() => state.value?.tools.find(({ name }) => route.value[0] === 'tools' && name === route.value[1]));

const drafts = new Map<string, Signal<Draft>>();
export function draftFor(name: string): Signal<Draft> {
  let draft = drafts.get(name);
  if (!draft) drafts.set(name, (draft = signal(draftOf())));
  return draft;
}

export const metaText = signal('');

const say = (text: string, bad: boolean) => (notice.value = { say: text, bad });
export const tell = (text: string) => say(text, false);
export const complain = (error: unknown) => say(error instanceof ApiError ? error.message : `Something in this page broke: ${error instanceof Error ? error.message : String(error)}`, true);

export async function refresh(): Promise<void> {
  try {
    const next = await loadState();
    batch(() => {
      state.value = next;
      if (!next.people.some(({ id }) => id === personId.value)) personId.value = next.people[0]?.id ?? null;
      if (!next.server.eras.includes(era.value)) era.value = next.server.eras[0] ?? era.value;
      if (!route.value.length) route.value = start(next);
    });
  } catch (error) {
    complain(error);
  }
}

/** The first tool that a newcomer can call at once: without arguments if there is one. */
function start(next: State): readonly string[] {
  const access = next.people[0]?.access ?? {};
  const callable = next.tools.filter(({ name }) => (access[name]?.state ?? 'callable') !== 'hidden');
  const first = callable[0] ?? next.tools[0];
  return first ? ['tools', first.name] : ['hosts'];
}

export const go = (...steps: string[]) => {
  location.hash = `#/${steps.map(encodeURIComponent).join('/')}`;
};

function readRoute() {
  const steps = location.hash.replace(/^#\/?/, '').split('/').filter(Boolean).map(decodeURIComponent);
  batch(() => {
    route.value = steps.length ? steps : state.value ? start(state.value) : [];
    pane.value = 'main';
  });
}

/** Opens a page for a person in a window of its own, or offers a link where the browser allows none. */
export function openWindow(url: string): void {
  const opened = window.open(url, 'toolgate-consent', 'popup,width=520,height=760');
  if (!opened) notice.value = { say: 'The browser opened no window.', bad: false, link: url };
}

/** Does something at the server, and opens the page that it names for the person. */
export async function perform(what: Act): Promise<Done | undefined> {
  try {
    const done = await act(what);
    if (done.open) openWindow(done.open);
    if (done.say) tell(done.say);
    await refresh();
    return done;
  } catch (error) {
    complain(error);
    return undefined;
  }
}

const watchers = new Set<(event: TraceEvent) => void>();
/** Calls for every event of the trace until the returned function is called. */
export function watch(take: (event: TraceEvent) => void): () => void {
  watchers.add(take);
  return () => watchers.delete(take);
}

let due = false;
function changed() {
  if (due) return;
  due = true;
  requestAnimationFrame(() => {
    due = false;
    beat.value += 1;
  });
}

export function begin(): void {
  const media = matchMedia('(max-width: 760px)');
  narrow.value = media.matches;
  media.addEventListener('change', () => (narrow.value = media.matches));
  readRoute();
  addEventListener('hashchange', readRoute);
  addEventListener('focus', () => void refresh());
  void refresh();
  let asked = false;
  let started: number | undefined;
  listen({
    hello: (at) => {
      if (started !== undefined && started !== at) {
        // Another process: its events are counted from 1 again.
        trace.clear();
        log.clear();
        forgetBuild();
        chosen.value = undefined;
        tell('The server was started again.');
        changed();
      }
      if (started !== at) void refresh();
      started = at;
    },
    trace: (event) => {
      trace.add(event);
      for (const take of watchers) take(event);
      changed();
    },
    values: (values) => trace.addValues(values),
    exchange: (exchange: Exchange) => {
      log.add(exchange);
      changed();
    },
    widget: (note) => (widgetNotes.value = [...widgetNotes.value.slice(-99), note]),
    state: () => {
      if (asked) return;
      asked = true;
      setTimeout(() => {
        asked = false;
        void refresh();
      }, 50);
    },
    build: (next) => {
      takeBuild(next);
      if (next.state === 'served') void refresh();
    },
    reload: ({ what }) => {
      if (what === 'views') viewReloads.value += 1;
      else void refresh();
    },
    connected: (is) => (connected.value = is),
    failed: complain,
  });
}
