// What a host's pages need: the host on one origin, views on another, and a third that no view may reach.
import http from 'node:http';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** The policy that MCP Apps derives from a resource's `_meta.ui.csp`. */
export function policy({ connectDomains = [], resourceDomains = [], frameDomains = [], baseUriDomains = [] } = {}) {
  const own = ["'self'", ...resourceDomains].join(' ');
  return [
    "default-src 'none'",
    `script-src 'unsafe-inline' ${own}`,
    `style-src 'unsafe-inline' ${own}`,
    `img-src data: ${own}`,
    `media-src data: ${own}`,
    `font-src ${own}`,
    `connect-src ${connectDomains.join(' ') || "'none'"}`,
    `frame-src ${frameDomains.join(' ') || "'none'"}`,
    `base-uri ${baseUriDomains.join(' ') || "'self'"}`,
    "object-src 'none'",
  ].join('; ');
}

async function listen(handle) {
  const server = http.createServer((request, response) => {
    handle(request, response).catch((error) => response.writeHead(500).end(String(error)));
  });
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  const close = () => (server.closeAllConnections(), server.close());
  return { url: `http://127.0.0.1:${server.address().port}`, close };
}

const body = async (request) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
};

/** A site that answers every request, and counts them. */
export async function elsewhere() {
  let requests = 0;
  const site = await listen(async (_, response) => {
    requests++;
    response.writeHead(200, { 'access-control-allow-origin': '*', 'content-type': 'image/svg+xml' }).end('<svg xmlns="http://www.w3.org/2000/svg"/>');
  });
  return { ...site, requests: () => requests };
}

// The frame in the middle, where a host keeps an origin of its own for views.
const proxy = `<!doctype html><meta charset="utf-8"><style>html,body,iframe{margin:0;border:0;width:100%;height:100%}</style><script>
const host = new URL(document.referrer).origin;
const inner = document.createElement('iframe');
inner.sandbox = 'allow-scripts allow-forms';
document.documentElement.append(inner);
addEventListener('message', ({ source, origin, data }) => {
  if (source === parent && origin === host) {
    if (data.method === 'ui/notifications/sandbox-resource-ready') inner.srcdoc = data.params.html;
    else inner.contentWindow.postMessage(data, '*');
  } else if (source === inner.contentWindow) parent.postMessage(data, host);
});
parent.postMessage({ jsonrpc: '2.0', method: 'ui/notifications/sandbox-proxy-ready', params: {} }, host);
</script>`;

/** Serves a host's page; the token stays here, and no page sees it. */
export async function open(host, server, token) {
  const entry = fileURLToPath(new URL(`hosts/${host}`, import.meta.url));
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    format: 'esm',
    write: false,
    jsx: 'automatic',
    logLevel: 'error',
    define: { 'process.env.NODE_ENV': '"production"' },
  });
  const bundle = outputFiles[0].text;
  const staged = [];
  const views = await listen(async (request, response) => {
    const url = new URL(request.url, 'http://views');
    const view = staged[url.pathname.match(/^\/view\/(\d+)$/)?.[1]];
    const [html, csp] = view ? [view.html, view.csp] : [proxy, JSON.parse(url.searchParams.get('csp') ?? '{}')];
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy(csp) }).end(html);
  });
  const foreign = await elsewhere();
  const pages = await listen(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://host');
    const end = (type, text) => response.writeHead(200, { 'content-type': `${type}; charset=utf-8` }).end(text);
    if (pathname === '/bundle.js') return end('text/javascript', bundle);
    if (pathname === '/favicon.ico') return response.writeHead(204).end();
    if (pathname === '/stage') {
      staged.push(JSON.parse(await body(request)));
      return end('text/plain', `${views.url}/view/${staged.length - 1}`);
    }
    if (pathname === '/mcp') return forward(request, response);
    const page = `<!doctype html><html lang="en"><meta charset="utf-8"><title>A host</title><div id="root"></div><script>window.sandbox = '${views.url}/proxy'</script><script type="module" src="/bundle.js"></script></html>`;
    return end('text/html', page);
  });

  async function forward(request, response) {
    const headers = Object.fromEntries(
      Object.entries(request.headers).filter(([name]) => /^(accept|content-type|last-event-id|mcp-.*)$/.test(name)),
    );
    if (token) headers.authorization = `Bearer ${token}`;
    const sent = request.method === 'POST' ? await body(request) : undefined;
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const answer = await fetch(server, { method: request.method, headers, body: sent, signal: gone.signal });
    const kept = [...answer.headers].filter(([name]) => /^(content-type|www-authenticate|mcp-.*)$/.test(name));
    response.writeHead(answer.status, Object.fromEntries(kept));
    try {
      for await (const part of answer.body ?? []) response.write(part);
    } catch (error) {
      if (!gone.signal.aborted) throw error;
    }
    response.end();
  }

  return {
    url: pages.url,
    foreign: foreign.url,
    foreignRequests: foreign.requests,
    close: () => [views, foreign, pages].forEach(({ close }) => close()),
  };
}
