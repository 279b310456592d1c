// The view of a widget: its state, and the requests that it sends to the host.

import { readAuth, readRefusal, type Refusal } from './auth.ts';
import { Bridge, HostError } from './bridge.ts';
import { applyStyles, applyTheme, preferredTheme, watchSize } from './page.ts';
import type { AnyTools, DisplayMode, Options, State, Theme, Tools, View } from './types.ts';

export type * from './types.ts';

declare const VERSION: string;
const PROTOCOL = '2026-01-26';

/** A tool call that failed. */
export class ToolError extends Error {
  override readonly name = 'ToolError';
  /** The scopes that the user has to grant first. */
  readonly missingScopes: readonly string[];
  /** A stable identifier, such as `scope_missing`. */
  readonly kind: string | undefined;
  /** Opens the link by which the user grants them, if the server sent one. */
  readonly connect?: () => Promise<void>;

  /** @internal */
  constructor({ message, kind, missing }: Refusal, connect?: () => Promise<void>) {
    super(message);
    this.kind = kind;
    this.missingScopes = missing;
    if (connect) this.connect = connect;
  }
}

type Json = Record<string, unknown>;
interface Context extends Json {
  theme?: Theme;
  locale?: string;
  displayMode?: DisplayMode;
  styles?: Parameters<typeof applyStyles>[0];
  toolInfo?: { tool?: { name?: string } };
}
interface Result extends Json {
  content?: { type: string; text?: string }[];
  structuredContent?: unknown;
  isError?: boolean;
  _meta?: unknown;
}

const textOf = (result: Result): string =>
  (result.content ?? []).flatMap(({ type, text }) => (type === 'text' && text ? [text] : [])).join('\n');

/** Structured content, or the text that older servers send instead of it. */
function valueOf(result: Result): unknown {
  if (result.structuredContent !== undefined) return result.structuredContent;
  const text = textOf(result);
  try {
    return JSON.parse(text);
  } catch {
    return text || undefined;
  }
}

/** The normalized URL, if a page may open it. Throws otherwise. */
function safeLink(url: string, origins?: string[]): string {
  const link = URL.canParse(url) ? new URL(url) : undefined;
  if (!link || !/^https?:$/.test(link.protocol) || link.username || link.password) {
    throw new HostError(`Refused to open ${JSON.stringify(url)}: only http and https links without a user name are opened.`);
  }
  if (origins && !origins.includes(link.origin)) {
    throw new HostError(`Refused to open ${JSON.stringify(url)}: the page leads to ${origins.join(', ') || 'no other site'} alone.`);
  }
  return link.href;
}

class Connection implements View<unknown> {
  state: State<unknown>;
  #listeners = new Set<(state: State<unknown>) => void>();
  #bridge: Bridge;
  #ready: Promise<unknown>;
  #tool: string | undefined;
  #links: string[] | undefined;
  #stopSize = () => {};

  constructor({ tool, displayModes = ['inline', 'fullscreen'], links, autoResize = true }: Options) {
    this.#tool = tool;
    this.#links = links;
    this.state = {
      status: 'pending',
      props: undefined,
      error: undefined,
      arguments: undefined,
      auth: Object.freeze({ subject: undefined, account: undefined, scopes: [], missing: [], connect: undefined }),
      theme: preferredTheme(),
      locale: navigator.language,
      displayMode: 'inline',
    };
    applyTheme(this.state.theme);
    this.#bridge = new Bridge(parent, {
      request: (method) => {
        if (method === 'ui/resource-teardown') this.#stopSize();
        else if (method !== 'ping') return undefined;
        return {};
      },
      notification: (method, params) => this.#receive(method, params),
    });
    this.#ready = parent === window ? Promise.reject(new HostError('This page is a widget: an MCP host shows it.')) : this.#initialize(displayModes, autoResize);
    this.#ready.catch((error: Error) => {
      this.#update({ status: 'error', error: { message: error.message, kind: 'host', link: undefined } });
    });
  }

  get props() {
    return this.state.props;
  }
  get status() {
    return this.state.status;
  }
  get arguments() {
    return this.state.arguments;
  }
  get error() {
    return this.state.error;
  }
  get auth() {
    return this.state.auth;
  }
  get theme() {
    return this.state.theme;
  }
  get locale() {
    return this.state.locale;
  }
  get displayMode() {
    return this.state.displayMode;
  }

  onchange = (f: (state: State<unknown>) => void): (() => void) => {
    // A new function each time: two subscriptions with the same `f` are ended separately.
    const listener = (state: State<unknown>) => f(state);
    this.#listeners.add(listener);
    listener(this.state);
    return () => void this.#listeners.delete(listener);
  };

  callTool = async (name: string, args: object = {}): Promise<any> => {
    let result: Result;
    try {
      result = await this.#request('tools/call', { name, arguments: args });
    } catch (error) {
      throw this.#toolError((error as Error).message, (error as HostError).data);
    }
    if (result.isError) throw this.#toolError(textOf(result) || `${name} failed.`, result._meta);
    const auth = readAuth(result._meta);
    if (name === this.#tool) {
      this.#update({ status: 'ready', props: valueOf(result), error: undefined, arguments: args as Json, ...(auth && { auth }) });
    } else if (auth) {
      this.#update({ auth });
    }
    return valueOf(result);
  };

  refresh = async (): Promise<void> => {
    await this.#ready;
    if (!this.#tool) throw new HostError('The host does not say which tool this view belongs to: give `tool` to toolgate.view().');
    await this.callTool(this.#tool, this.arguments);
  };

  sendMessage = (text: string): Promise<void> =>
    this.#send('ui/message', { role: 'user', content: [{ type: 'text', text }] }, 'The host did not take the message.');

  openLink = async (url: string): Promise<void> => this.#open(safeLink(url, this.#links));

  connect = async (): Promise<void> => {
    const link = this.auth.connect ?? this.error?.link;
    if (!link) throw new HostError('There is nothing to connect: the server gave no link.');
    await this.#open(safeLink(link));
  };

  requestDisplayMode = async (mode: DisplayMode): Promise<DisplayMode> => {
    const answer = await this.#request('ui/request-display-mode', { mode });
    const displayMode = answer.mode as DisplayMode;
    this.#update({ displayMode });
    return displayMode;
  };

  async #initialize(availableDisplayModes: DisplayMode[], autoResize: boolean): Promise<void> {
    const answer = await this.#bridge.request('ui/initialize', {
      appInfo: { name: document.title || 'toolgate-view', version: VERSION },
      appCapabilities: { availableDisplayModes },
      protocolVersion: PROTOCOL,
    });
    this.#applyContext((answer.hostContext ?? {}) as Context);
    this.#bridge.notify('ui/notifications/initialized', {});
    if (autoResize) this.#stopSize = watchSize((size) => this.#bridge.notify('ui/notifications/size-changed', size));
  }

  async #request(method: string, params: object): Promise<Json> {
    await this.#ready;
    return this.#bridge.request(method, params);
  }

  #open(url: string): Promise<void> {
    return this.#send('ui/open-link', { url }, 'The host did not open the link.');
  }

  async #send(method: string, params: object, otherwise: string): Promise<void> {
    if ((await this.#request(method, params)).isError) throw new HostError(otherwise);
  }

  #receive(method: string, params: Json): void {
    const given = params.arguments as Json | undefined;
    switch (method) {
      case 'ui/notifications/tool-input-partial':
      case 'ui/notifications/tool-input':
        return this.#update({ arguments: given ?? {} });
      case 'ui/notifications/tool-result':
        return this.#show(params);
      case 'ui/notifications/tool-cancelled':
        return this.#update({ status: 'cancelled', error: undefined });
      case 'ui/notifications/host-context-changed':
        return this.#applyContext(params);
    }
  }

  #show(result: Result): void {
    const auth = readAuth(result._meta) ?? this.auth;
    if (!result.isError) return this.#update({ status: 'ready', props: valueOf(result), error: undefined, auth });
    const { message, kind } = readRefusal(textOf(result) || 'The tool failed.', result._meta, auth.scopes);
    this.#update({ status: 'error', error: { message, kind, link: auth.connect }, auth });
  }

  #toolError(message: string, meta: unknown): ToolError {
    const refusal = readRefusal(message, meta, this.auth.scopes);
    const auth = readAuth(meta) ?? (refusal.missing.length ? { ...this.auth, missing: refusal.missing, connect: undefined } : undefined);
    if (auth) this.#update({ auth });
    const link = auth?.connect;
    return new ToolError(refusal, link ? async () => this.#open(safeLink(link)) : undefined);
  }

  #applyContext(context: Context): void {
    const { theme, locale, displayMode, styles, toolInfo } = context;
    this.#tool ??= toolInfo?.tool?.name;
    if (theme) applyTheme(theme);
    if (styles) applyStyles(styles);
    this.#update({ ...(theme && { theme }), ...(locale && { locale }), ...(displayMode && { displayMode }) });
  }

  #update(change: Partial<State<unknown>>): void {
    this.state = Object.freeze({ ...this.state, ...change }) as State<unknown>;
    for (const listener of [...this.#listeners]) {
      // An exception of one listener does not reach the next.
      try {
        listener(this.state);
      } catch (error) {
        reportError(error);
      }
    }
  }
}

let connection: Connection | undefined;
// The server writes the name of the tool into the script tag of this library.
const own = typeof document === 'undefined' ? undefined : (document.currentScript as HTMLElement | null)?.dataset.tool;

/** Returns the view of this page. A page has one: a second call returns the same. */
export function view<Props, T extends Tools<T> = AnyTools, Arguments = Record<string, unknown>>(
  options: Options = {},
): View<Props, T, Arguments> {
  connection ??= new Connection(own === undefined ? options : { tool: own, ...options });
  return connection as unknown as View<Props, T, Arguments>;
}

declare global {
  /** What `<script toolgate></script>` defines. */
  var toolgate: { view: typeof view; ToolError: typeof ToolError };
}
