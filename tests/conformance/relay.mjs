// Adds a bearer token to whatever has none, and lets clients initialize with another revision: the suite
// can do neither.
//   node relay.mjs URL TOKEN [REVISION]    an empty TOKEN is none
import http from 'node:http';
import { buffer } from 'node:stream/consumers';

const [upstream, token, revision] = process.argv.slice(2);
const { hostname, port } = new URL(upstream);

// The message, which names the revision if it is an `initialize`. A header has to name it too.
function initializeWith(revision, body, headers) {
  let message;
  try {
    message = JSON.parse(body);
  } catch {
    return body;
  }
  if (message?.method !== 'initialize' || !message.params?.protocolVersion) return body;
  message.params.protocolVersion = revision;
  if (headers['mcp-protocol-version']) headers['mcp-protocol-version'] = revision;
  return JSON.stringify(message);
}

const relay = http.createServer(async (asked, answer) => {
  const headers = { ...(token && { authorization: `Bearer ${token}` }), ...asked.headers };
  const body = revision && asked.method === 'POST' ? initializeWith(revision, await buffer(asked), headers) : undefined;
  if (body !== undefined) headers['content-length'] = Buffer.byteLength(body);
  const onward = http.request({ hostname, port, path: asked.url, method: asked.method, headers });
  onward.on('response', (said) => {
    answer.writeHead(said.statusCode, said.headers);
    answer.flushHeaders();
    said.pipe(answer);
    said.on('error', () => answer.destroy());
  });
  onward.on('error', () => answer.destroy());
  answer.on('close', () => onward.destroy());
  if (body === undefined) asked.pipe(onward);
  else onward.end(body);
});
relay.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${relay.address().port}/mcp`));
