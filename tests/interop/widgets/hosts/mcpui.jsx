// A host out of mcp-ui's component, which has an SDK and an AppBridge of an older line. It does not
// tell a view whose it is.
import { AppRenderer } from '@mcp-ui/client';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { useState } from 'react';
import { createRoot } from 'react-dom/client';

const events = [];
const note = (name, data) => events.push({ name, data });
const extensions = { 'io.modelcontextprotocol/ui': { mimeTypes: ['text/html;profile=mcp-app'] } };
const client = new Client({ name: 'mcp-ui', version: '1' }, { capabilities: { extensions } });

function Host({ tool, csp, given, hand }) {
  const [result, setResult] = useState();
  const [theme, setTheme] = useState('light');
  const [height, setHeight] = useState(640);
  hand({ setResult, setTheme });
  return (
    <div style={{ width: 720, height }}>
      <AppRenderer
        client={client}
        toolName={tool.name}
        sandbox={{ url: new URL(window.sandbox), csp }}
        toolInput={given}
        toolResult={result}
        hostContext={{ theme, locale: 'en-GB' }}
        onOpenLink={async ({ url }) => (note('link', url), {})}
        onMessage={async ({ content }) => (note('message', content[0].text), {})}
        onSizeChanged={({ height }) => {
          note('size', height);
          setHeight(height);
        }}
        onError={(error) => note('error', String(error))}
      />
    </div>
  );
}

async function open(name, given) {
  await client.connect(new StreamableHTTPClientTransport(new URL('/mcp', location.href)));
  const { tools } = await client.listTools();
  const tool = tools.find((tool) => tool.name === name);
  const { contents } = await client.readResource({ uri: tool._meta.ui.resourceUri });
  const [{ uri, text, _meta }] = contents;
  note('resource', { uri, bytes: text.length });
  let setters;
  const hand = (given) => (setters = given);
  createRoot(document.getElementById('root')).render(<Host tool={tool} csp={_meta?.ui?.csp ?? {}} given={given} hand={hand} />);
  return {
    call: async () => setters.setResult(await client.callTool({ name, arguments: given })),
    theme: (theme) => setters.setTheme(theme),
    ask: (name, given) => client.callTool({ name, arguments: given }),
  };
}

window.host = { events, open: async (...given) => void (window.host.view = await open(...given)) };
