// A server of TypeScript's SDK 1.32, as its documentation sets one up: sessions, and with `gated` its
// own authorization server in memory. `node server.mjs open|gated` prints its
// URL; the token is `opens-the-gate`.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { z } from 'zod';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { createMcpExpressApp } from '@modelcontextprotocol/sdk/server/express.js';
import { mcpAuthRouter, getOAuthProtectedResourceMetadataUrl } from '@modelcontextprotocol/sdk/server/auth/router.js';
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { isInitializeRequest } from '@modelcontextprotocol/sdk/types.js';

const [kind] = process.argv.slice(2);
const free = createServer().listen(0, '127.0.0.1');
await once(free, 'listening');
const { port } = free.address();
free.close();
await once(free, 'close');
const base = `http://127.0.0.1:${port}`;
const endpoint = new URL('/mcp', base);
const app = createMcpExpressApp();
const gate = [];

if (kind === 'gated') {
  const clients = new Map();
  const provider = {
    clientsStore: {
      getClient: (id) => clients.get(id),
      registerClient: (client) => (clients.set(client.client_id, client), client),
    },
    authorize: async (_client, _parameters, reply) => reply.send('<form>Sign in</form>'),
    challengeForAuthorizationCode: async () => '',
    exchangeAuthorizationCode: async () => ({}),
    exchangeRefreshToken: async () => ({}),
    verifyAccessToken: async (token) => {
      if (token !== 'opens-the-gate') throw new InvalidTokenError('unknown');
      return { token, clientId: 'test', scopes: ['notes:read'], expiresAt: Date.now() / 1000 + 600, resource: endpoint };
    },
  };
  app.use(mcpAuthRouter({ provider, issuerUrl: new URL(base), resourceServerUrl: endpoint, scopesSupported: ['notes:read'] }));
  const resourceMetadataUrl = getOAuthProtectedResourceMetadataUrl(endpoint);
  gate.push(requireBearerAuth({ verifier: provider, requiredScopes: ['notes:read'], resourceMetadataUrl }));
}

const transports = new Map();
const error = (reply, status, code, message) =>
  reply.status(status).json({ jsonrpc: '2.0', error: { code, message }, id: null });

function server() {
  const server = new McpServer({ name: 'of-the-sdk', version: '1.0.0' });
  const inputSchema = { owner: z.string(), labels: z.array(z.string()).optional() };
  server.registerTool('list_notes', { description: 'Lists notes.', inputSchema }, async ({ owner }) => ({
    content: [{ type: 'text', text: `of ${owner}` }],
  }));
  return server;
}

app.post('/mcp', ...gate, async (request, reply) => {
  const id = request.headers['mcp-session-id'];
  let transport = transports.get(id);
  if (id && !transport) return error(reply, 404, -32001, 'Session not found');
  if (!transport) {
    if (!isInitializeRequest(request.body)) return error(reply, 400, -32000, 'No session');
    transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => transports.set(id, transport),
      onsessionclosed: (id) => transports.delete(id),
    });
    await server().connect(transport);
  }
  await transport.handleRequest(request, reply, request.body);
});

const known = async (request, reply) => {
  const transport = transports.get(request.headers['mcp-session-id']);
  if (!transport) return error(reply, 404, -32001, 'Session not found');
  await transport.handleRequest(request, reply);
};
app.get('/mcp', ...gate, known);
app.delete('/mcp', ...gate, known);
app.listen(port, '127.0.0.1', () => console.log(endpoint.href));
