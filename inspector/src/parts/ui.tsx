// Small parts that every view uses.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ButtonHTMLAttributes, ComponentChildren } from 'preact';

export type Tone = 'good' | 'bad' | 'warn' | 'plain';

export function Chip({ tone = 'plain', children, title }: { tone?: Tone; children: ComponentChildren; title?: string }) {
  return <span class={`chip ${tone}`} title={title}>{children}</span>;
}

export function Button({ kind = 'quiet', children, ...rest }: { kind?: 'main' | 'quiet' | 'bare'; children: ComponentChildren } & ButtonHTMLAttributes<HTMLButtonElement>) {
  return <button type="button" {...rest} class={kind}>{children}</button>;
}

/** A choice of a few, all of which are seen. */
export function Segments<T extends string>({ label, value, options, onPick, small }: { label: string; value: T | undefined; options: readonly (readonly [T, string])[]; onPick: (value: T) => void; small?: boolean }) {
  return (
    <span class={small ? 'segments small' : 'segments'} role="group" aria-label={label}>
      {options.map(([key, text]) => (
        <button type="button" key={key} aria-pressed={key === value} onClick={() => onPick(key)}>{text}</button>
      ))}
    </span>
  );
}

const ICONS = {
  check: 'M3.5 8.5l3 3 6-7',
  cross: 'M4 4l8 8M12 4l-8 8',
  down: 'M4 6l4 4 4-4',
  right: 'M6 4l4 4-4 4',
  copy: 'M6 6h7v7H6zM10 6V3H3v7h3',
  plus: 'M8 3v10M3 8h10',
  up: 'M8 13V3M4 7l4-4 4 4',
  search: 'M7 11.5a4.5 4.5 0 100-9 4.5 4.5 0 000 9zM10.5 10.5L14 14',
  out: 'M6 3H3v10h10v-3M9 3h4v4M13 3L7 9',
  clock: 'M8 14A6 6 0 108 2a6 6 0 000 12zM8 5v3l2 2',
  tools: 'M3 4h10M3 8h10M3 12h10',
  play: 'M5 3.5v9l7-4.5z',
  trace: 'M4 3v10M4 5h8M4 8h5M4 11h7',
  sun: 'M8 11a3 3 0 100-6 3 3 0 000 6zM8 1v2M8 13v2M1 8h2M13 8h2M3 3l1.5 1.5M11.5 11.5L13 13M13 3l-1.5 1.5M4.5 11.5L3 13',
  half: 'M8 2a6 6 0 100 12A6 6 0 008 2zM8 2v12M10 3v10M12 4.6v6.8',
  moon: 'M13 9.5A5.5 5.5 0 016.5 3 5.5 5.5 0 1013 9.5z',
} as const;

export function Icon({ name }: { name: keyof typeof ICONS }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" width="16" height="16" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
      <path d={ICONS[name]} />
    </svg>
  );
}

/** A button that copies a text, and says so. */
export function Copy({ text, label = 'Copy', kind = 'quiet' }: { text: string | (() => string | undefined | Promise<string | undefined>); label?: string; kind?: 'quiet' | 'bare' }) {
  const [done, setDone] = useState('');
  const timer = useRef(0);
  useEffect(() => () => clearTimeout(timer.current), []);
  const copy = async () => {
    const value = typeof text === 'string' ? text : await text();
    if (value === undefined) return;
    setDone((await toClipboard(value)) ? 'Copied' : 'Not copied');
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => setDone(''), 1600);
  };
  return (
    <button type="button" class={kind} onClick={() => void copy()}>
      <Icon name={done === 'Copied' ? 'check' : 'copy'} />
      <span aria-live="polite">{done || label}</span>
    </button>
  );
}

async function toClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without the permission: through a selection.
    const area = document.createElement('textarea');
    area.value = text;
    area.className = 'offscreen';
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    return done;
  }
}

/** A text with a button that copies it. */
export function Code({ text, label, children }: { text: string; label?: string; children?: ComponentChildren }) {
  return (
    <div class="code">
      <pre tabIndex={0} aria-label={label ?? 'Code'}>{children ?? text}</pre>
      <Copy text={text} label="Copy" kind="bare" />
    </div>
  );
}

export function Heading({ title, children, mono }: { title: string; children?: ComponentChildren; mono?: boolean }) {
  return (
    <header class="heading">
      <h1 tabIndex={-1} class={mono ? 'mono' : undefined}>{title}</h1>
      {children && <p class="soft">{children}</p>}
    </header>
  );
}

export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}

/** The time now, in milliseconds, once a second. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

export function countdown(seconds: number): string {
  if (seconds <= 0) return 'expired';
  if (seconds >= 36_000) return `${Math.floor(seconds / 3600)} h`;
  const pad = (value: number) => String(value).padStart(2, '0');
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), Math.floor(seconds % 60)];
  return hours ? `${hours}:${pad(minutes)}:${pad(rest)}` : `${minutes}:${pad(rest)}`;
}
