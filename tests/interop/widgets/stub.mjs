// A server that answers as the board does, without toolgate: what the judges are tried on.
//   node stub.mjs VIEW LIBRARY [--gate]
// With --gate a missing scope is a 403 before the tool, else a result of the tool with a link.
import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import {
  CallToolRequestSchema,
  ListResourcesRequestSchema,
  ListToolsRequestSchema,
  ReadResourceRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';

const [view, library] = process.argv.slice(2);
const gate = process.argv.includes('--gate');
const script = readFileSync(library, 'utf8');
// Of a built front end, the files that its page names are inlined.
const sibling = (name) => readFileSync(path.join(path.dirname(view), name), 'utf8');
const html = readFileSync(view, 'utf8')
  .replace('<script toolgate></script>', () => `<script data-tool="issue_board">${script}</script>`)
  .replace(/(<script[^>]*) src="([^"]*)">/, (_, tag, name) => `${tag}>${sibling(name).replaceAll('</script', '<\\/script')}`)
  .replace(/<link rel="stylesheet"[^>]* href="([^"]*)">/, (_, name) => `<style>${sibling(name)}</style>`);
const uri = `ui://board/issue_board-${createHash('sha256').update(html).digest('hex').slice(0, 16)}.html`;
const mimeType = 'text/html;profile=mcp-app';

const token = randomUUID();
let granted = ['repo:read'];
let link;
const issues = [
  ['The needle sticks', 'It points at the kettle.\nEvery time.', ['bug'], [{ author: 'bob', body: 'Mine too.' }, { author: 'alice', body: 'Move the kettle?' }]],
  ['<img src=x onerror="document.title=1">', '<script>document.title = 1</script>', ['bug', 'security'], []],
  ['Say which north', 'True or magnetic?', ['question'], [{ author: 'bob', body: '<b>True</b>, please' }]],
  ['Works in the dark', '', [], []],
].map(([title, body, labels, discussion], index) => ({ number: index + 1, title, body, labels, discussion, state: index === 3 ? 'closed' : 'open' }));

const place = {
  type: 'object',
  properties: { owner: { type: 'string' }, repo: { type: 'string' }, number: { type: 'integer' } },
  required: ['owner', 'repo'],
};
const tools = [
  { name: 'issue_board', description: 'Shows the issues of a repository as a board.', inputSchema: place, _meta: { ui: { resourceUri: uri, visibility: ['model', 'app'] } } },
  { name: 'list_comments', description: 'The comments on an issue.', inputSchema: place, _meta: { ui: { visibility: ['app'] } } },
  { name: 'close_issue', description: 'Closes an issue.', inputSchema: place, _meta: { ui: { visibility: ['model', 'app'] } } },
];

const auth = (missing = []) => {
  if (missing.length) link ??= `/connect/${randomUUID()}`;
  return { 'toolgate/auth': { subject: 'user-1', account: 'alice', scopes: granted, missing, ...(missing.length && { connect: `${base}${link}` }) } };
};
const done = (structuredContent) => ({ content: [{ type: 'text', text: JSON.stringify(structuredContent) }], structuredContent, _meta: auth() });

const calls = {
  issue_board: ({ owner, repo }) =>
    done({ owner, repo, issues: issues.map(({ discussion, ...issue }) => ({ ...issue, comments: discussion.length })) }),
  list_comments: ({ number }) => done({ comments: issues[number - 1].discussion }),
  close_issue({ number }) {
    if (!granted.includes('repo:write')) {
      return { isError: true, content: [{ type: 'text', text: 'alice has not granted repo:write.' }], _meta: auth(['repo:write']) };
    }
    issues[number - 1].state = 'closed';
    return done({ number, state: 'closed' });
  },
};

function server() {
  const own = new Server({ name: 'board', version: '0' }, { capabilities: { tools: {}, resources: {}, extensions: { 'io.modelcontextprotocol/ui': {} } } });
  own.setRequestHandler(ListToolsRequestSchema, () => ({ tools }));
  own.setRequestHandler(ListResourcesRequestSchema, () => ({ resources: [{ uri, name: 'issue_board', mimeType }] }));
  own.setRequestHandler(ReadResourceRequestSchema, ({ params }) => {
    if (params.uri !== uri) throw new Error(`no resource ${params.uri}`);
    return { contents: [{ uri, mimeType, text: html, _meta: { ui: { csp: { connectDomains: [], resourceDomains: [] }, prefersBorder: true } } }] };
  });
  own.setRequestHandler(CallToolRequestSchema, ({ params }) => calls[params.name](params.arguments));
  return own;
}

const body = async (request) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString();
};

const listener = http.createServer(async (request, response) => {
  const end = (status, headers, text) => response.writeHead(status, headers).end(text);
  if (link && request.url === link) {
    const page = (text) => end(200, { 'content-type': 'text/html' }, `<!doctype html><title>Board</title>${text}`);
    if (request.method === 'GET') return page('<form method="post"><button name="answer" value="allow">Allow</button></form>');
    granted = ['repo:read', 'repo:write'];
    return page('<h1>Connected</h1>');
  }
  if (request.url !== '/mcp') return end(404);
  const challenge = (error) => ({ 'www-authenticate': `Bearer ${error}`, 'content-type': 'application/json' });
  if (request.headers.authorization !== `Bearer ${token}`) return end(401, challenge('error="invalid_token"'), '{}');
  const message = request.method === 'POST' ? JSON.parse(await body(request)) : undefined;
  if (gate && message?.params?.name === 'close_issue' && !granted.includes('repo:write')) {
    const said = 'this needs the scope repo:write';
    const error = { jsonrpc: '2.0', id: null, error: { code: -32600, message: said, data: { 'toolgate/auth': { scopes: granted, missing: ['repo:write'] } } } };
    return end(403, challenge(`error="insufficient_scope",error_description="${said}",scope="repo:write repo:read"`), JSON.stringify(error));
  }
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined, enableJsonResponse: true });
  const own = server();
  response.on('close', () => own.close());
  await own.connect(transport);
  await transport.handleRequest(request, response, message);
});
await new Promise((ready) => listener.listen(0, '127.0.0.1', ready));
const base = `http://127.0.0.1:${listener.address().port}`;
console.log(`${base}/mcp ${token}`);
