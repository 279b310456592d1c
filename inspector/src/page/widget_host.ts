// What the page and the bridge to a widget say to each other.

export type WidgetEvent = 'size' | 'link' | 'message' | 'console' | 'mode';

export interface BridgeOptions {
  readonly frame: HTMLIFrameElement;
  readonly url: string;
  readonly context: unknown;
  readonly call: (tool: string, given: unknown) => Promise<unknown>;
  readonly read: (uri: string) => Promise<unknown>;
  readonly on: (event: WidgetEvent, data: unknown) => void;
}

export interface Bridged {
  readonly context: (next: unknown) => void;
  readonly input: (given: unknown) => Promise<void>;
  readonly result: (result: unknown) => Promise<void>;
  readonly close: () => Promise<void>;
}

export type Connect = (options: BridgeOptions) => Promise<Bridged>;
