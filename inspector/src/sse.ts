// Server-sent events, read from a response, because an EventSource cannot send a header of its own.

export interface ServerEvent {
  readonly event: string;
  readonly data: string;
  readonly id: string;
}

export async function readEvents(body: ReadableStream<Uint8Array>, take: (event: ServerEvent) => void): Promise<void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    rest += decoder.decode(value, { stream: true });
    // A carriage return at the end may be one half of a line's end.
    const end = rest.endsWith('\r') ? rest.length - 1 : rest.length;
    const blocks = rest.slice(0, end).replaceAll('\r\n', '\n').split('\n\n');
    rest = blocks.pop()! + rest.slice(end);
    for (const block of blocks) {
      const event = parseEvent(block);
      if (event) take(event);
    }
  }
}

export function parseEvent(block: string): ServerEvent | undefined {
  let event = 'message';
  let id = '';
  const data: string[] = [];
  for (const line of block.split('\n')) {
    const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/.exec(line) ?? [];
    if (field === 'event') event = value;
    else if (field === 'data') data.push(value);
    else if (field === 'id') id = value;
  }
  return data.length ? { event, data: data.join('\n'), id } : undefined;
}
