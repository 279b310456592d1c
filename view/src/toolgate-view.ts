import { readAuth, readRefusal, type Refusal } from './auth.ts';
import { Bridge, HostError } from './bridge.ts';
import { applyStyles, applyTheme, preferredTheme, watchSize } from './page.ts';

declare const VERSION: string;
const PROTOCOL = '2026-01-26';

/** `error`: the tool failed, or the host cannot be reached. `cancelled`: the user stopped the call. */
export type Status = 'pending' | 'ready' | 'error' | 'cancelled';
export type Theme = 'light' | 'dark';
export type DisplayMode = 'inline' | 'fullscreen' | 'pip';

/** Who is signed in, and what is missing, as the newest result said it. Never a token. */
export interface Auth {
  readonly subject: string | undefined;
  /** By which name people know them, where the access token says it. */
  readonly account: string | undefined;
  readonly scopes: readonly string[];
  readonly missing: readonly string[];
  /** The link that starts the consent; `connect()` opens it. */
  readonly connect: string | undefined;
}

/** Why there are no props. */
export interface Failure {
  readonly message: string;
  /** A stable word, such as `scope_missing`, `consent_needed` or `host`. */
  readonly kind: string | undefined;
  /** Where the user can put it right. */
  readonly link: string | undefined;
}

/** The tools that a view calls: their arguments and what they return. */
export type Tools<T> = { [Name in keyof T]: { arguments: object; result: unknown } };
/** Any tool, where none are declared. */
export type AnyTools = { [name: string]: { arguments: Record<string, unknown>; result: any } };

interface Common<Arguments> {
  /** The tool's arguments; incomplete while the model still writes them. */
  readonly arguments: Partial<Arguments> | undefined;
  readonly auth: Auth;
  readonly theme: Theme;
  /** BCP 47. */
  readonly locale: string;
  readonly displayMode: DisplayMode;
}

/** All that a view shows; a new object at every change. */
export type State<Props, Arguments = Record<string, unknown>> = Common<Arguments> &
  (
    | { readonly status: 'pending' | 'cancelled'; readonly props: Props | undefined; readonly error: undefined }
    | { readonly status: 'ready'; readonly props: Props; readonly error: undefined }
    | { readonly status: 'error'; readonly props: Props | undefined; readonly error: Failure }
  );

export interface View<Props, T extends Tools<T> = AnyTools, Arguments = Record<string, unknown>> {
  readonly state: State<Props, Arguments>;
  /** `undefined` while pending. */
  readonly props: Props | undefined;
  readonly status: Status;
  readonly arguments: Partial<Arguments> | undefined;
  readonly error: Failure | undefined;
  readonly auth: Auth;
  readonly theme: Theme;
  readonly locale: string;
  readonly displayMode: DisplayMode;
  /** Calls `f` at once and at every change; returns what ends that. */
  onchange(f: (state: State<Props, Arguments>) => void): () => void;
  /**
   * Calls a tool of the same server, with the user's rights. Calling the view's own tool renews the props.
   * @throws {ToolError} The tool failed or was refused.
   */
  callTool<Name extends keyof T & string>(name: Name, args: T[Name]['arguments']): Promise<T[Name]['result']>;
  /** Calls the view's own tool again, with the same arguments. */
  refresh(): Promise<void>;
  /** Says something in the conversation, as the user. */
  sendMessage(text: string): Promise<void>;
  /** Asks the host to open a link: http or https, without a user's name in it, and to one of `links` if they are given. */
  openLink(url: string): Promise<void>;
  /** Opens the link by which the user grants what is missing; a later call shows whether it was granted. */
  connect(): Promise<void>;
  /** Returns the mode that the host chose. */
  requestDisplayMode(mode: DisplayMode): Promise<DisplayMode>;
}

export interface Options {
  /** The view's own tool, where neither the host nor the page says it. */
  tool?: string;
  /** How the view can be shown; `inline` and `fullscreen` if not given. */
  displayModes?: DisplayMode[];
  /** The origins to which `openLink` leads, as `https://a.example`: for links that come out of data. Any if not given. */
  links?: string[];
  /** `false`: the view does not tell the host its size. */
  autoResize?: boolean;
}

/** A call that failed. */
export class ToolError extends Error {
  override readonly name = 'ToolError';
  /** The scopes that the user would have to grant first. */
  readonly missingScopes: readonly string[];
  /** A stable word, such as `scope_missing`. */
  readonly kind: string | undefined;
  /** Starts the consent, where the server offers one. */
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

const said = (result: Result): string =>
  (result.content ?? []).flatMap(({ type, text }) => (type === 'text' && text ? [text] : [])).join('\n');

/** Structured content, or the text that older servers send instead. */
function valueOf(result: Result): unknown {
  if (result.structuredContent !== undefined) return result.structuredContent;
  const text = said(result);
  try {
    return JSON.parse(text);
  } catch {
    return text || undefined;
  }
}

/** Its address, if a page may ask for it to be opened. */
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
      notification: (method, params) => this.#hear(method, params),
    });
    this.#ready = parent === window ? Promise.reject(new HostError('This page is a widget: an MCP host shows it.')) : this.#greet(displayModes, autoResize);
    this.#ready.catch((error: Error) => {
      this.#change({ status: 'error', error: { message: error.message, kind: 'host', link: undefined } });
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
    // Its own function, so that one who subscribes twice ends each by itself.
    const listener = (state: State<unknown>) => f(state);
    this.#listeners.add(listener);
    listener(this.state);
    return () => void this.#listeners.delete(listener);
  };

  callTool = async (name: string, args: object = {}): Promise<any> => {
    let result: Result;
    try {
      result = await this.#ask('tools/call', { name, arguments: args });
    } catch (error) {
      throw this.#refused((error as Error).message, (error as HostError).data);
    }
    if (result.isError) throw this.#refused(said(result) || `${name} failed.`, result._meta);
    const auth = readAuth(result._meta);
    if (name === this.#tool) {
      this.#change({ status: 'ready', props: valueOf(result), error: undefined, arguments: args as Json, ...(auth && { auth }) });
    } else if (auth) {
      this.#change({ auth });
    }
    return valueOf(result);
  };

  refresh = async (): Promise<void> => {
    await this.#ready;
    if (!this.#tool) throw new HostError('The host does not say which tool this view belongs to: give `tool` to toolgate.view().');
    await this.callTool(this.#tool, this.arguments);
  };

  sendMessage = (text: string): Promise<void> =>
    this.#do('ui/message', { role: 'user', content: [{ type: 'text', text }] }, 'The host did not take the message.');

  openLink = async (url: string): Promise<void> => this.#open(safeLink(url, this.#links));

  connect = async (): Promise<void> => {
    const link = this.auth.connect ?? this.error?.link;
    if (!link) throw new HostError('There is nothing to connect: the server gave no link.');
    await this.#open(safeLink(link));
  };

  requestDisplayMode = async (mode: DisplayMode): Promise<DisplayMode> => {
    const answer = await this.#ask('ui/request-display-mode', { mode });
    const displayMode = answer.mode as DisplayMode;
    this.#change({ displayMode });
    return displayMode;
  };

  async #greet(availableDisplayModes: DisplayMode[], autoResize: boolean): Promise<void> {
    const answer = await this.#bridge.request('ui/initialize', {
      appInfo: { name: document.title || 'toolgate-view', version: VERSION },
      appCapabilities: { availableDisplayModes },
      protocolVersion: PROTOCOL,
    });
    this.#dress((answer.hostContext ?? {}) as Context);
    this.#bridge.notify('ui/notifications/initialized', {});
    if (autoResize) this.#stopSize = watchSize((size) => this.#bridge.notify('ui/notifications/size-changed', size));
  }

  async #ask(method: string, params: object): Promise<Json> {
    await this.#ready;
    return this.#bridge.request(method, params);
  }

  #open(url: string): Promise<void> {
    return this.#do('ui/open-link', { url }, 'The host did not open the link.');
  }

  async #do(method: string, params: object, otherwise: string): Promise<void> {
    if ((await this.#ask(method, params)).isError) throw new HostError(otherwise);
  }

  #hear(method: string, params: Json): void {
    const given = params.arguments as Json | undefined;
    switch (method) {
      case 'ui/notifications/tool-input-partial':
      case 'ui/notifications/tool-input':
        return this.#change({ arguments: given ?? {} });
      case 'ui/notifications/tool-result':
        return this.#show(params);
      case 'ui/notifications/tool-cancelled':
        return this.#change({ status: 'cancelled', error: undefined });
      case 'ui/notifications/host-context-changed':
        return this.#dress(params);
    }
  }

  #show(result: Result): void {
    const auth = readAuth(result._meta) ?? this.auth;
    if (!result.isError) return this.#change({ status: 'ready', props: valueOf(result), error: undefined, auth });
    const { message, kind } = readRefusal(said(result) || 'The tool failed.', result._meta, auth.scopes);
    this.#change({ status: 'error', error: { message, kind, link: auth.connect }, auth });
  }

  #refused(message: string, meta: unknown): ToolError {
    const refusal = readRefusal(message, meta, this.auth.scopes);
    const auth = readAuth(meta) ?? (refusal.missing.length ? { ...this.auth, missing: refusal.missing, connect: undefined } : undefined);
    if (auth) this.#change({ auth });
    const link = auth?.connect;
    return new ToolError(refusal, link ? async () => this.#open(safeLink(link)) : undefined);
  }

  #dress(context: Context): void {
    const { theme, locale, displayMode, styles, toolInfo } = context;
    this.#tool ??= toolInfo?.tool?.name;
    if (theme) applyTheme(theme);
    if (styles) applyStyles(styles);
    this.#change({ ...(theme && { theme }), ...(locale && { locale }), ...(displayMode && { displayMode }) });
  }

  #change(change: Partial<State<unknown>>): void {
    this.state = Object.freeze({ ...this.state, ...change }) as State<unknown>;
    for (const listener of [...this.#listeners]) {
      // One listener's fault is not the next one's.
      try {
        listener(this.state);
      } catch (error) {
        reportError(error);
      }
    }
  }
}

let connection: Connection | undefined;
// The server writes the tool's name into the tag that it fills with this library.
const own = typeof document === 'undefined' ? undefined : (document.currentScript as HTMLElement | null)?.dataset.tool;

/** The view of this page. There is one: a second call returns the same. */
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
