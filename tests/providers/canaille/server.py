"""Canaille, with its records in memory: a person, the servers, and a client for each.

    python server.py ISSUER RESOURCE ..
"""

import sys
from datetime import datetime, timezone
from urllib.parse import urlsplit

from canaille import create_app
from canaille.app import models
from canaille.app.flask import csrf
from canaille.backends import Backend
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

issuer, *resources = sys.argv[1:]
address = urlsplit(issuer)


def new_key() -> dict:
    return RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True).as_dict(private=True)


app = create_app(
    {
        "SECRET_KEY": "a secret of a judge",
        "SERVER_NAME": address.netloc,
        "PREFERRED_URL_SCHEME": "http",
        "SESSION_COOKIE_SECURE": False,
        "CANAILLE": {"FORCE_HTTPS": False, "LOGGING": None, "SMTP": None},
        "CANAILLE_OIDC": {"ACTIVE_JWKS": [new_key()], "REQUIRE_NONCE": False, "TRUSTED_DOMAINS": []},
    }
)

with app.app_context(), Backend.instance.session():
    save = Backend.instance.save
    person = {"user_name": "alice", "formatted_name": "Alice", "family_name": "Tester", "password": "alice-password"}
    save(models.User(**person, emails=["alice@tools.example"]))
    now = datetime.now(timezone.utc)
    for resource in resources:
        server = models.Client(
            client_id=resource,
            client_secret="server-secret",
            client_name="a server",
            client_id_issued_at=now,
            token_endpoint_auth_method="client_secret_basic",
        )
        save(server)
        client = models.Client(
            client_id=f"host of {resource}",
            client_name="a host",
            client_id_issued_at=now,
            redirect_uris=["http://127.0.0.1:7777/callback"],
            grant_types=["authorization_code", "refresh_token"],
            response_types=["code"],
            scope=["openid", "offline_access", "orders:read", "orders:write"],
            token_endpoint_auth_method="none",
        )
        save(client)
        # Who may ask about a client's tokens, and whom they are for.
        client.audience = [client, server]
        save(client)


@app.post("/rotate")
@csrf.exempt
def rotate():
    settings = app.config["CANAILLE_OIDC"]
    settings["INACTIVE_JWKS"] = settings["ACTIVE_JWKS"]
    settings["ACTIVE_JWKS"] = [new_key()]
    return ""


listener = make_server("127.0.0.1", address.port, app, threaded=True)
print("ready", flush=True)
listener.serve_forever()
