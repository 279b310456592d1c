// JSON-RPC 2.0 with the window that embeds this page, and with no other.

/** How long a request waits for its response, in milliseconds. */
const REQUEST_TIMEOUT = 60_000;

/** An error response of the host. */
export class HostError extends Error {
  constructor(
    message: string,
    readonly data?: unknown,
  ) {
    super(message);
  }
}

export interface Handlers {
  /** Returns the result of a request of the host; `undefined` for an unknown method. */
  request(method: string): object | undefined;
  notification(method: string, params: Record<string, unknown>): void;
}

interface Pending {
  method: string;
  resolve(result: Record<string, unknown>): void;
  reject(error: HostError): void;
  timer: ReturnType<typeof setTimeout>;
}

interface Message {
  jsonrpc?: unknown;
  id?: number | string;
  method?: unknown;
  params?: Record<string, unknown>;
  result?: Record<string, unknown>;
  error?: { code?: number; message?: string; data?: unknown };
}

export class Bridge {
  #last = 0;
  #closed = false;
  #pending = new Map<number | string | undefined, Pending>();

  constructor(
    private readonly host: Window,
    private readonly handlers: Handlers,
  ) {
    addEventListener('message', this.#receive);
  }

  request(method: string, params: object): Promise<Record<string, unknown>> {
    if (this.#closed) return Promise.reject(new HostError('The host has closed this view.'));
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        this.notify('notifications/cancelled', { requestId: id, reason: 'timeout' });
        reject(new HostError(`The host did not answer ${method} within ${REQUEST_TIMEOUT / 1000} seconds.`));
      }, REQUEST_TIMEOUT);
      this.#pending.set(id, { method, resolve, reject, timer });
      try {
        this.#post({ id, method, params });
      } catch (error) {
        // Functions and DOM nodes cannot be sent.
        this.#settle(id)?.reject(new HostError(`${method} cannot be sent: ${String(error)}`));
      }
    });
  }

  notify(method: string, params: object): void {
    if (!this.#closed) this.#post({ method, params });
  }

  /** Rejects the pending requests. Later messages are neither sent nor read. */
  close(): void {
    this.#closed = true;
    removeEventListener('message', this.#receive);
    for (const id of [...this.#pending.keys()]) {
      this.#settle(id)?.reject(new HostError('The host has closed this view.'));
    }
  }

  // The host's origin is not known before it speaks; nothing sent before that is secret.
  #post(message: object): void {
    this.host.postMessage({ jsonrpc: '2.0', ...message }, '*');
  }

  #settle(id: number | string | undefined): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    clearTimeout(pending?.timer);
    return pending;
  }

  #receive = (event: MessageEvent): void => {
    const message = event.data as Message | null;
    if (event.source !== this.host || message?.jsonrpc !== '2.0') return;
    const { id, method, params, result, error } = message;
    if (typeof method === 'string') {
      if (id === undefined) return this.handlers.notification(method, params ?? {});
      const answer = this.handlers.request(method);
      this.#post(
        answer ? { id, result: answer } : { id, error: { code: -32601, message: `${method} is not known here` } },
      );
      if (method === 'ui/resource-teardown') this.close();
      return;
    }
    const pending = this.#settle(id);
    if (result) pending?.resolve(result);
    else pending?.reject(readable(pending.method, error ?? {}));
  };
}

/** The error of the server, which hosts wrap, sometimes as the text of an HTTP response. */
function readable(method: string, { code, message = '', data }: NonNullable<Message['error']>): HostError {
  if (code === -32601) return new HostError(`This host does not support ${method}.`, data);
  const json = message.slice(message.indexOf('{'), message.lastIndexOf('}') + 1);
  try {
    const inner = (JSON.parse(json) as Message).error;
    if (inner?.message) return new HostError(inner.message, inner.data ?? data);
  } catch {
    // Plain text.
  }
  return new HostError(message.replace(/^(MCP error -?\d+: |Error: )+/, '') || `The host refused ${method}.`, data);
}
