// A scripted model, in place of a language model: speaks Anthropic's Messages, OpenAI's Responses and
// Chat Completions on a free port, and calls the tools that a script names, one after the other.
import http from 'node:http';

// What a host gave to the model: the tools that it offers, and the results of the calls.
class Conversation {
  constructor(tools, results) {
    this.tools = tools;
    this.results = results;
  }
}

const textOf = (content) => {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return JSON.stringify(content ?? '');
  return content.map((part) => textOf(part.text ?? part.content ?? '')).join(' ');
};

// Hosts put the server's name before the tool's: `mcp__forge__list_issues`, `forge_list_issues`.
const isCalled = (offered, { server, tool }) =>
  offered === tool || (offered.includes(server) && /[._]/.test(offered.at(-tool.length - 1) ?? '') && offered.endsWith(tool));

export class Model {
  constructor() {
    this.script = [];
    this.last = new Conversation([], []);
    this.server = http.createServer((request, response) => this.#answer(request, response));
  }

  async listen() {
    await new Promise((ready) => this.server.listen(0, '127.0.0.1', ready));
    this.url = `http://127.0.0.1:${this.server.address().port}`;
    return this;
  }

  close() {
    this.server.closeAllConnections();
    this.server.close();
  }

  // Starts a conversation in which the model makes these calls: { server, tool, arguments }, or `json`
  // for arguments that are to be sent letter by letter.
  begin(script) {
    this.script = script;
    this.last = new Conversation([], []);
  }

  async #answer(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    let body = {};
    try {
      body = JSON.parse(Buffer.concat(chunks).toString() || '{}');
    } catch {}
    const path = request.url.split('?')[0];
    if (path.endsWith('/count_tokens')) return json(response, { input_tokens: 1 });
    if (path.endsWith('/messages')) return this.#messages(body, response);
    if (path.endsWith('/responses')) return this.#responses(body, response);
    if (path.endsWith('/chat/completions')) return this.#completions(body, response);
    json(response, { object: 'list', data: [{ id: 'scripted', object: 'model' }], models: [] });
  }

  // The next call, or the words with which the model ends. `offered`: the tools, each with a `name`.
  #next(offered, results) {
    if (offered.length > 0) this.last = new Conversation(offered, results);
    const step = offered.length > 0 && this.script[results.length];
    if (!step) return { say: 'done' };
    const tool = offered.find((tool) => isCalled(tool.name, step));
    const json = step.json ?? JSON.stringify(step.arguments ?? {});
    return tool ? { tool, json } : { say: `there is no tool ${step.tool}` };
  }

  // https://docs.anthropic.com/en/api/messages
  #messages(body, response) {
    const tools = (body.tools ?? []).filter((tool) => tool.input_schema).map((tool) => ({ name: tool.name, schema: tool.input_schema }));
    const blocks = (body.messages ?? []).flatMap((message) => (Array.isArray(message.content) ? message.content : []));
    const results = blocks.filter((block) => block.type === 'tool_result').map((block) => textOf(block.content));
    const next = this.#next(tools, results);
    const block = next.tool
      ? { type: 'tool_use', id: `toolu_${results.length}`, name: next.tool.name, input: JSON.parse(next.json) }
      : { type: 'text', text: next.say };
    const usage = { input_tokens: 1, output_tokens: 1 };
    const end = { stop_reason: next.tool ? 'tool_use' : 'end_turn', stop_sequence: null };
    const message = { id: 'msg_1', type: 'message', role: 'assistant', model: body.model, content: [block], ...end, usage };
    if (!body.stream) return json(response, message);
    const start = { ...message, content: [], stop_reason: null };
    const [empty, delta] = next.tool
      ? [{ ...block, input: {} }, { type: 'input_json_delta', partial_json: next.json }]
      : [{ ...block, text: '' }, { type: 'text_delta', text: next.say }];
    events(response, [
      { type: 'message_start', message: start },
      { type: 'content_block_start', index: 0, content_block: empty },
      { type: 'content_block_delta', index: 0, delta },
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: end, usage },
      { type: 'message_stop' },
    ]);
  }

  // https://platform.openai.com/docs/api-reference/responses
  #responses(body, response) {
    const tools = (body.tools ?? []).flatMap((tool) =>
      tool.type === 'namespace'
        ? tool.tools.map((inner) => ({ name: `${tool.name}.${inner.name}`, bare: inner.name, namespace: tool.name, schema: inner.parameters }))
        : tool.name && tool.parameters ? [{ name: tool.name, bare: tool.name, schema: tool.parameters }] : []);
    const results = (Array.isArray(body.input) ? body.input : [])
      .filter((item) => /_call_output$/.test(item.type ?? ''))
      .map((item) => textOf(item.output));
    const next = this.#next(tools, results);
    const item = next.tool
      ? {
          type: 'function_call', id: `fc_${results.length}`, call_id: `call_${results.length}`, status: 'completed',
          name: next.tool.bare, arguments: next.json, ...(next.tool.namespace && { namespace: next.tool.namespace }),
        }
      : { type: 'message', id: 'msg_1', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: next.say, annotations: [] }] };
    const tokens = { input_tokens: 1, output_tokens: 1, total_tokens: 2, input_tokens_details: { cached_tokens: 0 }, output_tokens_details: { reasoning_tokens: 0 } };
    const whole = { id: 'resp_1', object: 'response', created_at: 1, status: 'completed', model: 'scripted', output: [item], usage: tokens };
    events(response, [
      { type: 'response.created', response: { ...whole, status: 'in_progress', output: [] } },
      { type: 'response.output_item.added', output_index: 0, item },
      { type: 'response.output_item.done', output_index: 0, item },
      { type: 'response.completed', response: whole },
    ]);
  }

  // https://platform.openai.com/docs/api-reference/chat
  #completions(body, response) {
    const tools = (body.tools ?? []).map(({ function: tool }) => ({ name: tool.name, schema: tool.parameters }));
    const results = (body.messages ?? []).filter((message) => message.role === 'tool').map((message) => textOf(message.content));
    const next = this.#next(tools, results);
    const call = next.tool && { name: next.tool.name, arguments: next.json };
    const message = call
      ? { role: 'assistant', content: null, tool_calls: [{ index: 0, id: `call_${results.length}`, type: 'function', function: call }] }
      : { role: 'assistant', content: next.say };
    const finish_reason = call ? 'tool_calls' : 'stop';
    const whole = { id: 'chat_1', created: 1, model: 'scripted' };
    const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
    if (!body.stream) return json(response, { ...whole, object: 'chat.completion', choices: [{ index: 0, message, finish_reason }], usage });
    const chunk = (delta, reason) => ({ ...whole, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: reason }] });
    events(response, [chunk(message, null), { ...chunk({}, finish_reason), usage }, '[DONE]']);
  }
}

const json = (response, body) => {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(body));
};

const events = (response, all) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const event of all) {
    if (event.type) response.write(`event: ${event.type}\n`);
    response.write(`data: ${event === '[DONE]' ? event : JSON.stringify(event)}\n\n`);
  }
  response.end();
};
