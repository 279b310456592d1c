// A widget as a host shows it: on an origin of its own, with device, theme, locale and person to choose.
import { useEffect, useRef, useState } from 'preact/hooks';
import { act, type State } from '../api.ts';
import { argumentsOf, obstacle } from '../form/draft.ts';
import { viewReloads } from '../build/build.ts';
import { Button, Chip, Empty, Heading, Segments } from '../parts/ui.tsx';
import { JsonView } from '../parts/json_view.tsx';
import { RefusalCard } from '../call/card.tsx';
import { cardFor } from '../call/result.tsx';
import { exchange, type Round } from '../call/run.ts';
import { isError } from '../call/message.ts';
import { compact } from '../json/print.ts';
import { member, plain, type Json } from '../json/value.ts';
import { chosen, complain, draftFor, go, personId, widgetNotes } from '../state.ts';
import type { Bridged, Connect, WidgetEvent } from './widget_host.ts';

const DEVICES = { phone: 390, tablet: 768, full: 1200 } as const;
const LOCALES = ['en-GB', 'de-DE', 'ja-JP', 'ar-EG'] as const;
const MAX_NOTES = 100;
const MAX_HEIGHT = 2400;

interface Note {
  readonly kind: WidgetEvent | 'csp';
  readonly say: string;
}

export function WidgetPage({ state, name }: { state: State; name: string }) {
  const tool = state.tools.find((one) => one.name === name);
  if (!tool?.widget) return <Empty>{`There is no widget “${name}” here.`}</Empty>;
  return <Preview state={state} name={name} uri={tool.widget} />;
}

function Preview({ state, name, uri }: { state: State; name: string; uri: string }) {
  const [device, setDevice] = useState<keyof typeof DEVICES>(() => (matchMedia('(max-width: 760px)').matches ? 'phone' : 'tablet'));
  const [theme, setTheme] = useState<'light' | 'dark'>(() => (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'));
  const [locale, setLocale] = useState<(typeof LOCALES)[number]>('en-GB');
  const [who, setWho] = useState(personId.value);
  const [notes, setNotes] = useState<readonly Note[]>([]);
  const [height, setHeight] = useState(320);
  const [round, setRound] = useState<Round | undefined>(undefined);
  const [attempt, setAttempt] = useState(0);
  const frame = useRef<HTMLIFrameElement>(null);
  const bridged = useRef<Bridged | undefined>(undefined);
  const context = { theme, locale, displayMode: 'inline', availableDisplayModes: ['inline', 'fullscreen'], containerDimensions: { width: DEVICES[device], maxHeight: MAX_HEIGHT }, platform: device === 'phone' ? 'mobile' : 'web', timeZone: 'UTC' };
  const draft = draftFor(name).value;
  const note = (kind: Note['kind'], say: string) => setNotes((all) => [...all.slice(1 - MAX_NOTES), { kind, say }]);

  useEffect(() => {
    let gone = false;
    setNotes([]);
    widgetNotes.value = [];
    setRound(undefined);
    const on = (event: WidgetEvent, data: unknown) => {
      if (event === 'size') setHeight(Math.max(80, Math.min(MAX_HEIGHT, Math.ceil((data as { height?: number }).height ?? 320))));
      else note(event, String(data));
    };
    const result = async (call: Promise<Round>) => {
      const { answer } = await call;
      if (answer.result === undefined || answer.kind === 'asks') throw new Error(answer.message || 'The call was refused.');
      return plain(answer.result);
    };
    const show = async () => {
      const page = await exchange({ method: 'resources/read', name: uri }, who);
      if (gone) return;
      const content = (member(page.answer.result, 'contents') as Json[] | undefined)?.[0];
      const html = member(content, 'text') ?? decode(member(content, 'blob'));
      if (typeof html !== 'string') return setRound(page);
      const ui = member(member(content, '_meta'), 'ui');
      const { url } = await act({ act: 'stage', html, csp: plain(member(ui, 'csp')) ?? null, permissions: plain(member(ui, 'permissions')) ?? null });
      const { connect } = (await import('./bridge.ts')) as { connect: Connect };
      if (gone || !frame.current || !url) return;
      const bridge = await connect({ frame: frame.current, url, context, on, call: (tool, given) => result(exchange({ method: 'tools/call', name: tool, arguments: JSON.stringify(given) }, who)), read: (uri) => result(exchange({ method: 'resources/read', name: uri }, who)) });
      if (gone) return void bridge.close();
      bridged.current = bridge;
      const given = obstacle(draft) ? '{}' : argumentsOf(draft);
      await bridge.input(JSON.parse(given));
      const called = await exchange({ method: 'tools/call', name, arguments: given }, who);
      if (gone) return;
      setRound(called);
      chosen.value = called.exchange.span;
      if (called.answer.result !== undefined) await bridge.result(plain(called.answer.result));
    };
    show().catch((error: unknown) => { if (!gone) complain(error); });
    const heard = (event: MessageEvent) => {
      const data = event.data as { toolgate?: string; level?: string; text?: string } | undefined;
      if (event.source === frame.current?.contentWindow && data?.toolgate === 'console') note('console', `${data.level}: ${data.text}`);
    };
    addEventListener('message', heard);
    return () => {
      gone = true;
      removeEventListener('message', heard);
      void bridged.current?.close();
      bridged.current = undefined;
    };
  }, [uri, who, attempt, viewReloads.value]);

  useEffect(() => bridged.current?.context(context), [device, theme, locale]);
  const card = round && cardFor(round, who);
  const props = round?.answer.result;
  const blocked = widgetNotes.value;
  return (
    <article class="widget">
      <Heading title={name} mono>The page <code>{uri}</code>, on an origin of its own, over the official bridge.</Heading>
      <div class="row controls">
        <Segments small label="Device" value={device} options={[['phone', 'phone'], ['tablet', 'tablet'], ['full', 'full']]} onPick={setDevice} />
        <Segments small label="Theme" value={theme} options={[['light', 'light'], ['dark', 'dark']]} onPick={setTheme} />
        <select aria-label="Locale" value={locale} onChange={(event) => setLocale(event.currentTarget.value as typeof locale)}>{LOCALES.map((one) => <option key={one}>{one}</option>)}</select>
        {state.people.length > 1 && <Segments small label="As" value={who ?? ''} options={state.people.map((person) => [person.id, person.name] as const)} onPick={setWho} />}
        <Button onClick={() => go('tools', name)}>Arguments</Button>
        <Button onClick={() => setAttempt(attempt + 1)}>Reload</Button>
      </div>
      <div class={`stage ${theme}`} tabIndex={0} role="region" aria-label="Preview">
        <iframe key={`${uri} ${who} ${attempt} ${viewReloads.value}`} ref={frame} title={`Widget ${name}`} sandbox="allow-scripts allow-forms" width={DEVICES[device]} height={height} />
      </div>
      {card && <RefusalCard card={card} />}
      <section aria-label="Console and findings">
        <h2>Console and findings {blocked.length > 0 && <Chip tone="warn">{blocked.length} blocked</Chip>}</h2>
        {notes.length + blocked.length === 0 ? <p class="soft">Nothing was written, and nothing was blocked.</p> : (
          <ul class="list notes">
            {blocked.map(({ directive, blocked }, index) => <li key={`c${index}`}><Chip tone="warn">blocked</Chip> <code>{directive}</code> <span class="soft">{blocked}. Name it in the widget’s csp if it is yours.</span></li>)}
            {notes.map(({ kind, say }, index) => <li key={index}><Chip>{kind}</Chip> <code>{say}</code></li>)}
          </ul>
        )}
      </section>
      {props !== undefined && <section aria-label="Props"><h2>Props</h2><JsonView value={member(props, 'structuredContent') ?? props} label="Props" />{isError(props) && <p class="fault">{compact(member(props, 'content') ?? null)}</p>}</section>}
    </article>
  );
}

function decode(blob: Json | undefined): string | undefined {
  return typeof blob === 'string' ? new TextDecoder().decode(Uint8Array.from(atob(blob), (sign) => sign.charCodeAt(0))) : undefined;
}
