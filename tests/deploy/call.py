"""Signs a person of the development sign-in in, and calls a tool: `call.py http://127.0.0.1:8765/mcp`."""

import json
import sys
from urllib.request import Request, urlopen

url = sys.argv[1]
with urlopen(url.removesuffix("/mcp") + "/dev/token?user=alice&scope=orders:read", timeout=60) as answer:
    token = answer.read().decode().strip()
meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
params = {"name": "list_orders", "arguments": {}, "_meta": meta}
headers = {
    "Authorization": f"Bearer {token}",
    "Accept": "application/json, text/event-stream",
    "Content-Type": "application/json",
    "MCP-Protocol-Version": "2026-07-28",
    "Mcp-Method": "tools/call",
    "Mcp-Name": "list_orders",
}
body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
with urlopen(Request(url, body, headers), timeout=60) as answer:
    text = answer.read().decode()
assert '"isError":true' not in text and '"result"' in text, text
