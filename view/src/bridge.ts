// JSON-RPC 2.0 with the window that embeds this page, and with no other.

/** How long the host has for an answer. */
const TIMEOUT = 60_000;

/** What the host answered instead of a result. */
export class HostError extends Error {
  constructor(
    message: string,
    readonly data?: unknown,
  ) {
    super(message);
  }
}

export interface Handlers {
  /** Answers a request of the host; `undefined` for a method that is not known. */
  request(method: string): object | undefined;
  notification(method: string, params: Record<string, unknown>): void;
}

interface Waiting {
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
  #waiting = new Map<number | string | undefined, Waiting>();

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
        this.#waiting.delete(id);
        this.notify('notifications/cancelled', { requestId: id, reason: 'timeout' });
        reject(new HostError(`The host did not answer ${method} within ${TIMEOUT / 1000} seconds.`));
      }, TIMEOUT);
      this.#waiting.set(id, { method, resolve, reject, timer });
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

  /** Ends all that waits; later messages are neither sent nor read. */
  close(): void {
    this.#closed = true;
    removeEventListener('message', this.#receive);
    for (const id of [...this.#waiting.keys()]) {
      this.#settle(id)?.reject(new HostError('The host has closed this view.'));
    }
  }

  // The host's origin is not known before it speaks; nothing sent before that is secret.
  #post(message: object): void {
    this.host.postMessage({ jsonrpc: '2.0', ...message }, '*');
  }

  #settle(id: number | string | undefined): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    clearTimeout(waiting?.timer);
    return waiting;
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
    const waiting = this.#settle(id);
    if (result) waiting?.resolve(result);
    else waiting?.reject(readable(waiting.method, error ?? {}));
  };
}

/** Hosts wrap what the server said, sometimes as the text of an HTTP answer. */
function readable(method: string, { code, message = '', data }: NonNullable<Message['error']>): HostError {
  if (code === -32601) return new HostError(`This host does not support ${method}.`, data);
  const json = message.slice(message.indexOf('{'), message.lastIndexOf('}') + 1);
  try {
    const inner = (JSON.parse(json) as Message).error;
    if (inner?.message) return new HostError(inner.message, inner.data ?? data);
  } catch {
    // It is plain text.
  }
  return new HostError(message.replace(/^(MCP error -?\d+: |Error: )+/, '') || `The host refused ${method}.`, data);
}
