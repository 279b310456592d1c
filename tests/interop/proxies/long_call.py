"""Python's client waits for a tool that takes a minute.

    python long_call.py CLIENT URL

CLIENT is `python` (2026-07-28) or `python-legacy` (2025-11-25).
"""

import asyncio
import logging
import sys
import time

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

which, url = sys.argv[1:]


async def main() -> None:
    # It waits for 20 s of silence, as the gateway does.
    http = httpx2.AsyncClient(timeout=20)
    mode = "legacy" if which.endswith("legacy") else "auto"
    async with http, Client(streamable_http_client(url, http_client=http), mode=mode) as client:
        began = time.monotonic()
        result = await client.call_tool("take", {"seconds": 60}, 240)
        seconds = round(time.monotonic() - began)
        assert result.content[0].text == "it took 60 s", result
        assert 60 <= seconds < 120, seconds
        version = "2025-11-25" if which.endswith("legacy") else "2026-07-28"
        assert client.protocol_version == version, client.protocol_version
    print(f"client {which}: the result came after {seconds} s")


logging.basicConfig(level=logging.ERROR)
asyncio.run(asyncio.wait_for(main(), 280))
