// The hosts: how each one learns of a server, signs in, and is asked to call tools.
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Model } from './model.mjs';

// A host's process ends after this long in any case.
const MAX_SECONDS = 400;

// One installed host, with a home of its own. `forge` is the URL of the server to sign in at, `stream`
// and `socket` those of its other transports, and `desk` a command that serves the same tools over
// standard input and output. `headers` are what a host sends that cannot sign in at a socket.
class Host {
  constructor({ bin, work, browser, forge, stream, socket, headers, desk }) {
    Object.assign(this, { forge, stream, socket, headers, desk, name: new.target.title.replace(/\W+/g, '-') });
    this.home = join(work, `home-${this.name}`);
    this.log = join(work, `${this.name}.log`);
    this.cookies = join(work, `${this.name}-cookies.json`);
    this.asked = 0;
    mkdirSync(join(this.home, 'bin'), { recursive: true });
    // Hosts open a browser by this name, and do not wait for it.
    const opener = join(this.home, 'bin', 'xdg-open');
    writeFileSync(opener, `#!/bin/sh\n'${process.execPath}' '${browser}' "$@" >>'${this.log}' 2>&1 </dev/null &\n`);
    chmodSync(opener, 0o755);
    this.env = {
      PATH: `${this.home}/bin:${bin}:${process.env.PATH}`, HOME: this.home, BROWSER: opener, COOKIES: this.cookies,
      LANG: 'C.UTF-8', TERM: 'xterm', DISPLAY: ':0', TMPDIR: process.env.TMPDIR ?? '/tmp',
    };
  }

  // Whether it has a way to be told of a server over WebSocket.
  static hasSockets = false;

  // Runs a command of the host in a folder of its own, and returns what it printed. It does not fail:
  // what matters is what the model got.
  async run(command, { env = {}, terminal = false, folder = this.folder() } = {}) {
    const quoted = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
    const [program, ...words] = terminal ? ['script', '-qec', quoted, '/dev/null'] : command;
    const child = spawn(program, words, {
      cwd: folder, env: { ...this.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'], detached: true,
    });
    let printed = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (printed += data));
    const end = () => { try { process.kill(-child.pid, 'SIGKILL'); } catch {} };
    const timer = setTimeout(() => { printed += '\n(it did not end)\n'; end(); }, MAX_SECONDS * 1000);
    await new Promise((ended) => child.on('close', ended).on('error', ended));
    clearTimeout(timer);
    end();
    writeFileSync(this.log, `$ ${quoted}\n${printed}\n`, { flag: 'a' });
    return printed;
  }

  folder() {
    const folder = join(this.home, `project-${this.asked++}`);
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  // Lets the model make these calls, and returns what it was offered and what it got.
  async ask(script) {
    const model = await new Model().listen();
    // On a busy machine a host may give up connecting before the server has answered, and offers none
    // of its tools. It is started once more then.
    for (let attempt = 0; attempt < 2 && !model.last.tools.some(({ name }) => name.includes(script[0].server)); attempt++) {
      model.begin(script);
      await this.converse(model.url, this.folder());
    }
    model.close();
    const { tools, results } = model.last;
    writeFileSync(this.log, `${JSON.stringify({ script, results }, null, 1)}\n`, { flag: 'a' });
    return { tools, results };
  }
}

class ClaudeCode extends Host {
  static title = 'Claude Code';
  static package = '@anthropic-ai/claude-code';
  static hasSockets = true;

  async prepare() {
    Object.assign(this.env, {
      DISABLE_TELEMETRY: '1', DISABLE_AUTOUPDATER: '1', CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1', ENABLE_TOOL_SEARCH: 'false',
      IS_SANDBOX: '1',
    });
    await this.run(['claude', 'mcp', 'add', '--scope', 'user', '--transport', 'http', 'forge', this.forge]);
    await this.run(['claude', 'mcp', 'add', '--scope', 'user', 'desk', '--', this.desk]);
    const others = { stream: { type: 'sse', url: this.stream }, socket: { type: 'ws', url: this.socket, headers: this.headers } };
    for (const [name, server] of Object.entries(others)) {
      await this.run(['claude', 'mcp', 'add-json', '--scope', 'user', name, JSON.stringify(server)]);
    }
  }

  signIn(server = 'forge') {
    return this.run(['claude', 'mcp', 'login', server], { terminal: true });
  }

  converse(model, folder) {
    const env = { ANTHROPIC_BASE_URL: model, ANTHROPIC_API_KEY: 'none' };
    return this.run(['claude', '-p', 'go', '--allowedTools', 'mcp__forge,mcp__desk,mcp__stream,mcp__socket', '--output-format', 'json'], { env, folder });
  }
}

class Codex extends Host {
  static title = 'Codex';
  static package = '@openai/codex';

  async prepare() {
    await this.run(['codex', 'mcp', 'add', 'forge', '--url', this.forge], { terminal: true });
    await this.run(['codex', 'mcp', 'add', 'desk', '--', this.desk], { terminal: true });
    await this.run(['codex', 'mcp', 'add', 'stream', '--url', this.stream], { terminal: true });
  }

  signIn(server = 'forge') {
    return this.run(['codex', 'mcp', 'login', server], { terminal: true });
  }

  converse(model, folder) {
    const provider = `{name="scripted",base_url="${model}/v1",wire_api="responses",env_key="OPENAI_API_KEY"}`;
    const settings = ['model_provider="scripted"', `model_providers.scripted=${provider}`, 'model="scripted"', 'approval_policy="never"', 'sandbox_mode="danger-full-access"'];
    return this.run(['codex', 'exec', '--skip-git-repo-check', ...settings.flatMap((setting) => ['-c', setting]), 'go'], { env: { OPENAI_API_KEY: 'none' }, folder });
  }
}

class OpenCode extends Host {
  static title = 'opencode';
  static package = 'opencode-ai';

  async prepare() {
    Object.assign(this.env, { OPENCODE_DISABLE_AUTOUPDATE: '1', OPENCODE_DISABLE_MODELS_FETCH: '1' });
  }

  #configure(folder, model) {
    writeFileSync(join(folder, 'opencode.json'), JSON.stringify({
      mcp: { forge: { type: 'remote', url: this.forge, enabled: true }, stream: { type: 'remote', url: this.stream, enabled: true }, desk: { type: 'local', command: [this.desk], enabled: true } },
      provider: { local: { npm: '@ai-sdk/openai-compatible', options: { baseURL: `${model}/v1`, apiKey: 'none' }, models: { scripted: { name: 'scripted', tool_call: true } } } },
      model: 'local/scripted', small_model: 'local/scripted', permission: { '*': 'allow' },
    }));
  }

  signIn(server = 'forge') {
    const folder = this.folder();
    this.#configure(folder, 'http://127.0.0.1:9');
    return this.run(['opencode', 'mcp', 'auth', server], { folder });
  }

  converse(model, folder) {
    this.#configure(folder, model);
    return this.run(['opencode', 'run', '--model', 'local/scripted', 'go'], { folder });
  }
}

// A command line for MCP servers: there is no model, and its output is what an agent reads.
class Mcporter extends Host {
  static title = 'mcporter';
  static package = 'mcporter';

  async prepare() {}

  signIn(server = 'forge') {
    return this.run(['mcporter', 'auth', this[server], '--allow-http']);
  }

  async ask(script) {
    const results = [];
    let tools = [];
    const listed = await this.run(['mcporter', 'list', this[script[0].server === 'stream' ? 'stream' : 'forge'], '--allow-http', '--schema', '--json']);
    try {
      const list = JSON.parse(listed.slice(listed.indexOf('{')));
      tools = list.tools.map((tool) => ({ name: `forge.${tool.name}`, schema: tool.inputSchema }));
    } catch {}
    for (const { server, tool, arguments: values = {}, texts = values } of script) {
      const target = server === 'desk' ? ['--stdio', this.desk, tool] : [`${this[server]}.${tool}`, '--allow-http'];
      const pairs = Object.entries(texts).map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
      results.push(await this.run(['mcporter', 'call', ...target, ...pairs]));
    }
    return { tools, results };
  }
}

export const hosts = [ClaudeCode, Codex, OpenCode, Mcporter];

// The version of an installed package.
export const versionOf = (modules, name) => JSON.parse(readFileSync(join(modules, name, 'package.json'), 'utf8')).version;

export const isInstalled = (modules) => hosts.every((host) => existsSync(join(modules, host.package)));
