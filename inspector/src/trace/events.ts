// Events of the trace, as the server writes them: one flat object each. Unknown ones are shown as they are.

import { parse } from '../json/parse.ts';
import { member, type Json } from '../json/value.ts';

export interface Caller {
  readonly subject: string;
  readonly issuer?: string | null;
  readonly client?: string | null;
}

/** Every member that an event may have. Which ones it has depends on `event`. */
export interface TraceEvent {
  readonly id: number;
  readonly span: string;
  readonly parent: string | null;
  readonly at_us: number;
  readonly event: string;
  readonly transport?: string;
  readonly http_method?: string;
  readonly era?: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly method?: string;
  readonly tool?: string;
  readonly caller?: Caller | null;
  readonly scopes?: readonly string[];
  readonly expires_in_s?: number | null;
  readonly sign_in?: string | null;
  readonly reason?: string;
  readonly check?: string;
  readonly code?: string;
  readonly found?: string | readonly string[] | null;
  /** A text, or for arguments the schema at that place, with every digit. */
  readonly expected?: string | Json | null;
  readonly detail?: string | null;
  readonly hint?: string;
  readonly expired_s_ago?: number | null;
  readonly valid_in_s?: number | null;
  readonly issuer?: string | null;
  readonly key?: string | null;
  readonly status?: number | null;
  readonly retry_after_s?: number | null;
  readonly error?: string | null;
  readonly in_result?: boolean;
  readonly document?: string;
  readonly outcome?: string;
  readonly required?: readonly { readonly scope: string; readonly held_by: string | null }[];
  readonly held?: readonly string[];
  readonly missing?: readonly string[];
  readonly step_up?: string | null;
  readonly path?: string;
  readonly rule?: string;
  readonly declared?: string | null;
  readonly why?: string | null;
  readonly ms?: number;
  readonly live?: boolean;
  readonly provider?: string;
  readonly form?: string;
  readonly consent?: string;
  readonly uri?: string;
  readonly by?: string;
  readonly client?: string;
  readonly decision?: string;
  readonly flow?: string;
  readonly origin?: string | null;
  readonly refresh_token?: boolean;
  readonly granted?: readonly string[];
  readonly withheld?: readonly string[];
  readonly refresh?: string;
  readonly joined?: number;
  readonly rotated?: boolean;
  readonly failure?: string | null;
  readonly attempt?: number;
  readonly retried?: string;
  readonly name?: string;
  readonly host?: string;
  readonly trust?: string;
  readonly subject?: string;
  readonly grant_type?: string | null;
}

/** Arguments or a result, which only a server in development sends. */
export interface TraceValues {
  readonly span: string;
  readonly at_us: number;
  readonly values: 'arguments' | 'result';
  readonly json: unknown;
}

/** An event as it is sent. The numbers of a schema stay what they are. */
export function readEvent(text: string): TraceEvent {
  const event = JSON.parse(text) as TraceEvent;
  return event.event === 'arguments_refused' ? { ...event, expected: member(parse(text).value, 'expected') ?? null } : event;
}
