// mcp-use with its JWT verifier on, as its documentation sets one up. `node server.mjs PORT [TOOLS]`
// writes an access token into the file that TOKEN_FILE names.
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import { MCPServer } from 'mcp-use';
import { createJwtVerifier, oauthCustomProvider } from 'mcp-use/oauth';
import { z } from 'zod';

const [port, tools = '1'] = process.argv.slice(2);
const resource = `http://127.0.0.1:${port}/mcp`;
const text = 'This is a simple text response for testing.';

const { publicKey, privateKey } = await generateKeyPair('ES256');
const keys = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'key', alg: 'ES256' }] });
// The verifier takes keys by a URL only, so this process is its own authorization server.
const authority = createServer((_, reply) => {
  reply.setHeader('content-type', 'application/json');
  reply.end(keys);
});
await new Promise((listening) => authority.listen(0, '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${authority.address().port}`;

const oauth = oauthCustomProvider({
  createTokenVerifier: (resource) =>
    createJwtVerifier({ issuer, jwksUrl: new URL('/keys', issuer), resource, algorithms: ['ES256'] }),
  oauthMetadata: {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    response_types_supported: ['code'],
  },
  mapAuthInfo: ({ clientId }) => ({ user: { id: clientId }, payload: {}, permissions: [] }),
  requiredScopes: ['text:read'],
  resource,
});

const server = new MCPServer({ name: 'mcp-use', version: '2.5.2', oauth, logging: { enabled: false } });
const names = ['test_simple_text', ...Array.from({ length: tools - 1 }, (_, other) => `other_${other + 1}`)];
for (const name of names) {
  const description = 'Returns a simple text.';
  server.tool({ name, description, inputSchema: z.object({}) }, async () => ({
    content: [{ type: 'text', text }],
  }));
}

const groups = Array.from({ length: 8 }, (_, group) => `${group}f6e8c1a-4b7d-4c59-9a30-51d27be0c00${group}`);
const token = await new SignJWT({ client_id: 'bench', scope: 'openid profile text:read', groups })
  .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'key' })
  .setIssuer(issuer)
  .setSubject('00u1a2b3c4d5e6f7g8h9')
  .setAudience(resource)
  .setIssuedAt()
  .setExpirationTime('24h')
  .sign(privateKey);
if (process.env.TOKEN_FILE) writeFileSync(process.env.TOKEN_FILE, token);
else console.log(token);

await server.listen(Number(port));
