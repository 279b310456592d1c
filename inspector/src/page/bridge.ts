// The official AppBridge, in a file of its own that is loaded when a widget is shown.
import { AppBridge, PostMessageTransport } from '@modelcontextprotocol/ext-apps/app-bridge';
import type { BridgeOptions, Bridged } from './widget_host.ts';

export async function connect({ frame, url, context, call, read, on }: BridgeOptions): Promise<Bridged> {
  const bridge = new AppBridge(null, { name: 'toolgate-inspector', version: '1' }, { openLinks: {}, serverTools: {}, serverResources: {}, logging: {}, message: { text: {} } }, { hostContext: context as never });
  const ready = new Promise<void>((done) => {
    bridge.oninitialized = () => done();
  });
  bridge.onsizechange = ({ height, width }) => on('size', { height, width });
  bridge.onopenlink = async ({ url }) => (on('link', url), {});
  bridge.onmessage = async ({ content }) => (on('message', content.map((part) => ('text' in part ? part.text : part.type)).join(' ')), {});
  bridge.onloggingmessage = ({ level, data }) => on('console', `${level}: ${typeof data === 'string' ? data : JSON.stringify(data)}`);
  bridge.onrequestdisplaymode = async ({ mode }) => {
    bridge.setHostContext({ ...(context as object), displayMode: mode } as never);
    on('mode', mode);
    return { mode };
  };
  bridge.oncalltool = async (params) => (await call(params.name, params.arguments ?? {})) as never;
  bridge.onreadresource = async ({ uri }) => (await read(uri)) as never;
  const target = frame.contentWindow!;
  await bridge.connect(new PostMessageTransport(target, target));
  frame.src = url;
  // A page without the handshake gets nothing, as in a host.
  await ready;
  return {
    context: (next) => bridge.setHostContext(next as never),
    input: (given) => bridge.sendToolInput({ arguments: given as Record<string, unknown> }),
    result: (result) => bridge.sendToolResult(result as never),
    close: async () => {
      await bridge.close();
    },
  };
}
