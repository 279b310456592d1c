"""The 1.x client of Python over a transport that is older than streamable HTTP, or beside it.

    python transports.py TRANSPORT URL TOOL ARGUMENTS EXPECTED WIDER_TOOL WIDER_ARGUMENTS WIDER_EXPECTED [CONSENT_TOOL CONSENT_EXPECTED]

It goes from a 401 to a tool, to an account at a second provider, and on to a tool that needs more.
TRANSPORT is `sse` or `ws`, and URL that of streamable HTTP. `NODE` is the program that runs the
person. With a consent tool the server has a broker, and answers a call that needs more with a link;
otherwise with a challenge.

What the transports of the SDK cannot do:

* SSE steps up where a request is refused with 403, which the message of a call is not: the
  challenge comes as the answer to the call, and the application sees it.
* WebSocket sends no header. It shows the status and the challenge of a refused upgrade, so the
  application signs in by the same provider over HTTP, and gives the header to the connector.
"""

import asyncio
import functools
import json
import logging
import os
import re
import subprocess
import sys
import warnings
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import mcp.client.websocket
from mcp import ClientSession, McpError
from mcp.client.auth import OAuthClientProvider
from mcp.client.sse import sse_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.auth import OAuthClientMetadata
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from memory import Memory

warnings.simplefilter("ignore", DeprecationWarning)

which, url, *steps = sys.argv[1:]
consent_tool, consented = (steps[6:] + [None, None])[:2]
redirect = "http://127.0.0.1:7777/callback"
exchange: list[httpx.Response] = []
asked: list[str] = []
answers: list[dict[str, list[str]]] = []


async def person(*words: str) -> str:
    command = [os.environ["NODE"], str(Path(__file__).with_name("person.mjs")), *words]
    done = await asyncio.to_thread(subprocess.run, command, stdout=subprocess.PIPE, text=True, check=True, timeout=120)
    return done.stdout.strip()


async def sign_in(link: str) -> None:
    [scope] = parse_qs(urlsplit(link).query)["scope"]
    asked.append(scope)
    answers.append(parse_qs(await person(link, "alice", redirect)))


async def answer() -> tuple[str, str | None]:
    [code] = answers[-1]["code"]
    return code, answers[-1].get("state", [None])[0]


async def note(response: httpx.Response) -> None:
    exchange.append(response)


def recording(headers=None, timeout=None, auth=None) -> httpx.AsyncClient:
    client = create_mcp_http_client(headers=headers, timeout=timeout, auth=auth)
    client.event_hooks["response"].append(note)
    return client


def check(condition: object, what: str) -> None:
    if not condition:
        lines = [f"{r.request.method} {r.request.url} {r.status_code} {r.headers.get('www-authenticate', '')}" for r in exchange]
        print(f"client python 1 over {which}: {what}", *lines, sep="\n", file=sys.stderr, flush=True)
        # An exception would come out wrapped in those of the client's tasks.
        os._exit(1)


def statuses(method: str, path: str) -> list[int]:
    return [r.status_code for r in exchange if r.request.method == method and r.request.url.path.startswith(path)]


def words(result) -> str:
    return "".join(block.text for block in result.content)


def link_in(result, path: str) -> str:
    found = re.search(rf"http://127\.0\.0\.1:\d+{path}[\w./-]+[\w-]", words(result))
    check(result.isError and found, f"no link: {words(result)}")
    return found[0]


async def succeed(session: ClientSession, name: str, arguments: str, expected: str) -> None:
    result = await session.call_tool(name, json.loads(arguments))
    check(not result.isError and expected in words(result), f"{name} answered {words(result)}")


@asynccontextmanager
async def streams(memory: Memory):
    metadata = OAuthClientMetadata(
        client_name=f"client python 1 over {which}",
        redirect_uris=[redirect],
        grant_types=["authorization_code", "refresh_token"],
        response_types=["code"],
        token_endpoint_auth_method="none",
    )
    if which == "sse":
        sse = urljoin(url, "sse")
        auth = OAuthClientProvider(sse, metadata, memory, sign_in, answer)
        async with sse_client(sse, auth=auth, httpx_client_factory=recording) as both:
            yield both
        return
    socket = urljoin(url, "ws").replace("http:", "ws:")
    try:
        async with mcp.client.websocket.websocket_client(socket):
            check(False, "it connected without a token")
    except InvalidStatus as refused:
        check(refused.response.status_code == 401, f"it was refused with {refused.response.status_code}")
        check("resource_metadata=" in refused.response.headers["www-authenticate"], "no challenge")
    async with recording(auth=OAuthClientProvider(url, metadata, memory, sign_in, answer)) as http:
        await http.get(url)
    headers = {"authorization": f"Bearer {memory.tokens.access_token}"}
    mcp.client.websocket.ws_connect = functools.partial(connect, additional_headers=headers)
    async with mcp.client.websocket.websocket_client(socket) as both:
        yield both


async def main() -> None:
    async with streams(Memory()) as both, ClientSession(*both) as session:
        began = await session.initialize()
        check(began.protocolVersion == "2025-11-25", f"it speaks {began.protocolVersion}")
        await succeed(session, *steps[:3])
        check(len(asked) == 1, f"it signed in {len(asked)} times")
        if consent_tool:
            link = link_in(await session.call_tool(consent_tool, {}), "/connect/")
            # A second client of the person gets leave to use the account that is connected already.
            page = await person(link, "alice")
            check("is connected" in page or "may use your" in page, "the account is not connected")
            await succeed(session, consent_tool, "{}", consented)
            link = link_in(await session.call_tool(steps[3], json.loads(steps[4])), "/oauth/step-up/")
            check("It may do more now" in await person(link, "alice"), "nothing was allowed")
            await succeed(session, *steps[3:6])
            how = "consented, stepped up by a link"
        else:
            try:
                result = await session.call_tool(steps[3], json.loads(steps[4]))
                check(False, f"it was not refused: {words(result)}")
            except McpError as refused:
                [challenge] = (refused.error.data or {}).get("mcp/www_authenticate", [""])
                check('error="insufficient_scope"' in challenge, f"refused with {refused.error}")
            await succeed(session, *steps[:3])
            how = "saw why it may do no more"
        check(len(asked) == 1, f"it signed in {len(asked)} times")
        check(statuses("GET", "/sse") == ([401, 200] if which == "sse" else []), "the streams")
        check(set(statuses("POST", "/messages")) <= {202}, "refused messages")
    print(f'client python 1 over {which}: signed in for "{asked[0]}", {how}')


logging.basicConfig(level=logging.ERROR)
asyncio.run(asyncio.wait_for(main(), 240))
