// A host out of the official parts.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { AppBridge, PostMessageTransport } from '@modelcontextprotocol/ext-apps/app-bridge';

const events = [];
const note = (name, data) => events.push({ name, data });
const kind = 'text/html;profile=mcp-app';
const extensions = { 'io.modelcontextprotocol/ui': { mimeTypes: [kind] } };
const client = new Client({ name: 'appbridge', version: '1' }, { capabilities: { extensions }, versionNegotiation: { mode: 'auto' } });

async function open(name, given) {
  await client.connect(new StreamableHTTPClientTransport(new URL('/mcp', location.href)));
  const { tools } = await client.listTools();
  const tool = tools.find((tool) => tool.name === name);
  const uri = tool._meta.ui.resourceUri;
  const { contents } = await client.readResource({ uri });
  const [{ mimeType, text, blob, _meta }] = contents;
  if (mimeType !== kind) throw new Error(`${uri} is ${mimeType}`);
  const html = text ?? new TextDecoder().decode(Uint8Array.from(atob(blob), (c) => c.charCodeAt(0)));
  note('resource', { uri, bytes: html.length, ui: _meta?.ui });
  const staged = await fetch('/stage', { method: 'POST', body: JSON.stringify({ html, csp: _meta?.ui?.csp }) });
  const url = await staged.text();

  const frame = document.createElement('iframe');
  frame.title = name;
  frame.sandbox = 'allow-scripts allow-forms';
  frame.style = 'width:720px;height:640px;border:0';
  document.getElementById('root').append(frame);
  let context = { theme: 'light', locale: 'en-GB', displayMode: 'inline', availableDisplayModes: ['inline', 'fullscreen'], toolInfo: { tool } };
  const bridge = new AppBridge(client, { name: 'appbridge', version: '1' }, { openLinks: {}, serverTools: {}, message: { text: {} } }, { hostContext: context });
  const ready = new Promise((ok) => {
    bridge.oninitialized = ok;
  });
  bridge.onsizechange = ({ height }) => {
    note('size', height);
    frame.style.height = `${height}px`;
  };
  bridge.onopenlink = async ({ url }) => (note('link', url), {});
  bridge.onmessage = async ({ content }) => (note('message', content[0].text), {});
  bridge.onrequestdisplaymode = async ({ mode }) => {
    note('mode', mode);
    context = { ...context, displayMode: mode };
    bridge.setHostContext(context);
    return { mode };
  };
  const forward = bridge.oncalltool;
  bridge.oncalltool = async (params, extra) => {
    note('call', params);
    const visibility = tools.find(({ name }) => name === params.name)?._meta?.ui?.visibility ?? ['model', 'app'];
    if (!visibility.includes('app')) throw new Error(`${params.name} is not for views`);
    return forward ? forward(params, extra) : client.callTool(params);
  };
  await bridge.connect(new PostMessageTransport(frame.contentWindow, frame.contentWindow));
  frame.src = url;
  await ready;
  note('initialized', bridge.getAppVersion());
  await bridge.sendToolInputPartial({ arguments: {} });
  await bridge.sendToolInput({ arguments: given });
  return {
    call: async () => {
      const result = await client.callTool({ name, arguments: given });
      note('result', result);
      await bridge.sendToolResult(result);
      return result;
    },
    theme: (theme) => {
      context = { ...context, theme };
      bridge.setHostContext(context);
    },
    ask: (name, given) => client.callTool({ name, arguments: given }),
    close: () => bridge.teardownResource({}),
  };
}

window.host = { events, open: async (...given) => void (window.host.view = await open(...given)) };
