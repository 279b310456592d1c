// How a build goes, as the supervisor of the program says it, and in words.
import { signal } from '@preact/signals';

export interface Diagnostic {
  readonly level: string;
  readonly message: string;
  readonly code?: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  /** With the escape sequences of a terminal. */
  readonly rendered?: string;
}

export interface Build {
  readonly state: 'building' | 'failed' | 'served' | 'crashed';
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly seconds?: number;
  readonly changed?: readonly string[];
  readonly rendered?: string;
  readonly diagnostics?: readonly Diagnostic[];
}

/** Files that were written and need no build. */
export interface Reload {
  readonly what: 'views' | 'calls';
  readonly files: readonly string[];
}

export const build = signal<Build | undefined>(undefined);
/** What the last build that ended had to say, while the next one runs. */
export const findings = signal<Build | undefined>(undefined);
/** Counts the times that views were written. */
export const viewReloads = signal(0);

/** Takes what the supervisor says. Anything else is left out. */
export function takeBuild(next: Build): void {
  if (!['building', 'failed', 'served', 'crashed'].includes(next.state)) return;
  build.value = next;
  if (next.state !== 'building') findings.value = next;
}

export function forgetBuild(): void {
  build.value = undefined;
  findings.value = undefined;
}

const count = (of: number, one: string) => `${of} ${one}${of === 1 ? '' : 's'}`;
const SHORT = 1;

/** One line about a build, for the head of the page. */
export function line({ state, seconds, diagnostics = [] }: Build): string {
  if (state === 'building') return 'building…';
  if (state === 'served') return seconds === undefined ? 'served' : `served in ${seconds.toFixed(SHORT)} s`;
  if (state === 'crashed') return 'the new program ended';
  const errors = diagnostics.filter(({ level }) => level.startsWith('error')).length;
  return errors ? count(errors, 'error') : 'the build failed';
}

export const isBroken = (state: Build['state'] | undefined) => state === 'failed' || state === 'crashed';

/** Where a diagnostic is, as editors and terminals write it. */
export const place = ({ file, line, column }: Diagnostic): string | undefined => file && [file, line, line === undefined ? undefined : column].filter((part) => part !== undefined).join(':');
