// Adds a bearer token to whatever has none: the suite cannot send one.
import http from 'node:http';

const [upstream, token] = process.argv.slice(2);
const { hostname, port } = new URL(upstream);
const relay = http.createServer((asked, answer) => {
  const headers = { authorization: `Bearer ${token}`, ...asked.headers };
  const onward = http.request({ hostname, port, path: asked.url, method: asked.method, headers });
  onward.on('response', (said) => {
    answer.writeHead(said.statusCode, said.headers);
    answer.flushHeaders();
    said.pipe(answer);
    said.on('error', () => answer.destroy());
  });
  onward.on('error', () => answer.destroy());
  answer.on('close', () => onward.destroy());
  asked.pipe(onward);
});
relay.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${relay.address().port}/mcp`));
