// A client's metadata document, at a site of its own.
//   node document.mjs CERTIFICATE KEY
import { readFileSync } from 'node:fs';
import https from 'node:https';

const [cert, key] = process.argv.slice(2).map((path) => readFileSync(path));
const server = https.createServer({ cert, key }, (request, response) => {
  console.log(`${request.method} ${request.url} for ${request.headers['user-agent']}`);
  if (request.url !== '/client.json') return response.writeHead(404).end();
  response.setHeader('content-type', 'application/json');
  // oidc-provider keeps a document that does not say how long for half a minute.
  response.setHeader('cache-control', 'max-age=3600');
  response.end(JSON.stringify({
    client_id: url,
    client_name: 'a client with a document',
    application_type: 'native',
    // A client on the person's own machine has another port each time (RFC 8252 §7.3).
    redirect_uris: ['http://127.0.0.1/callback', 'http://127.0.0.1/oauth/callback'],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  }));
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const url = `https://127.0.0.1:${server.address().port}/client.json`;
console.log(url);
