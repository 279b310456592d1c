"""Python's client finds its way from a 401 to a tool, and on to one that needs more.

    python walk.py CLIENT URL TOOL ARGUMENTS EXPECTED WIDER_TOOL WIDER_ARGUMENTS WIDER_EXPECTED

CLIENT is `python` (2026-07-28) or `python-legacy` (2025-11-25). EXPECTED stands somewhere in the
tool's text. `NODE` is the program that runs the person. With DOCUMENT, the URL of a metadata
document, it does not register.
"""

import asyncio
import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientMetadata

from memory import Memory

which, url, *steps = sys.argv[1:]
document = os.environ.get("DOCUMENT")
redirect = "http://127.0.0.1:7777/callback"
exchange: list[httpx2.Response] = []
asked: list[str] = []
answers: list[dict[str, list[str]]] = []


async def sign_in(link: str) -> None:
    [scope] = parse_qs(urlsplit(link).query)["scope"]
    asked.append(scope)
    person = [os.environ["NODE"], str(Path(__file__).with_name("person.mjs")), link, "alice", redirect]
    done = await asyncio.to_thread(subprocess.run, person, stdout=subprocess.PIPE, text=True, check=True, timeout=120)
    answers.append(parse_qs(done.stdout.strip()))


async def answer() -> AuthorizationCodeResult:
    given = answers[-1]
    one = lambda name: given.get(name, [None])[0]
    assert one("code"), given
    return AuthorizationCodeResult(code=one("code"), state=one("state"), iss=one("iss"))


async def note(response: httpx2.Response) -> None:
    exchange.append(response)


def paths(method: str, part: str) -> list[int]:
    """The statuses of the requests whose path has `part` in it."""
    return [r.status_code for r in exchange if r.request.method == method and part in r.request.url.path]


def check(condition: object, what: str) -> None:
    if not condition:
        lines = [f"{r.request.method} {r.request.url} {r.status_code} {r.headers.get('www-authenticate', '')}" for r in exchange]
        print(f"client {which}: {what}", *lines, sep="\n", file=sys.stderr, flush=True)
        # An exception would come out wrapped in those of the client's tasks.
        os._exit(1)


async def call(client: Client, name: str, arguments: str, expected: str) -> None:
    result = await client.call_tool(name, json.loads(arguments))
    text = "".join(block.text for block in result.content)
    check(not result.is_error and expected in text, f"{name} answered {text}")


async def main() -> None:
    metadata = OAuthClientMetadata(
        client_name=f"client {which}",
        redirect_uris=[redirect],
        grant_types=["authorization_code", "refresh_token"],
        response_types=["code"],
        token_endpoint_auth_method="none",
    )
    memory = Memory()
    auth = OAuthClientProvider(url, metadata, memory, sign_in, answer, document)
    http = httpx2.AsyncClient(auth=auth, timeout=60, event_hooks={"response": [note]})
    mode = "legacy" if which.endswith("legacy") else "auto"
    async with http, Client(streamable_http_client(url, http_client=http), mode=mode) as client:
        await call(client, *steps[:3])
        check(exchange[0].status_code == 401, "the first answer was no 401")
        check(200 in paths("GET", "/.well-known/oauth-protected-resource"), "no metadata of the resource")
        check(200 in paths("GET", "/.well-known/oauth-authorization-server"), "no metadata of the server")
        check(paths("POST", "/reg") == ([] if document else [201]), "how it registered")
        check((memory.client.client_id == document) == bool(document), "how it is known")
        check(len(asked) == 1, f"it signed in {len(asked)} times")
        narrow = memory.tokens

        await call(client, *steps[3:])
        refused = [r for r in exchange if r.status_code == 403]
        check(len(refused) == 1 and 'error="insufficient_scope"' in refused[0].headers["www-authenticate"], "no step-up")
        check(len(asked) == 2 and set(asked[0].split()) < set(asked[1].split()), f"it asked for {asked}")
        check(memory.tokens.access_token != narrow.access_token, "the token is still the old one")
        check(paths("POST", "/token") == [200, 200], "it has not fetched two tokens")
        version = "2025-11-25" if which.endswith("legacy") else "2026-07-28"
        check(client.protocol_version == version, f"it speaks {client.protocol_version}")
    name = which + (", by its document" if document else "")
    print(f'client {name}: signed in for "{asked[0]}", stepped up to "{asked[1]}"')


logging.basicConfig(level=logging.ERROR)
asyncio.run(asyncio.wait_for(main(), 240))
