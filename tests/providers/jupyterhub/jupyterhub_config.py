"""A JupyterHub for `walk`, which says in the environment what is different each time.

All users sign in with one password; who is in the group `readers` may also list users; the service
`administrator` may change who is in it, and may revoke tokens. No notebook server is ever started.
"""

import json
import os

hub = get_config()  # noqa: F821
port = int(os.environ["HUB_PORT"])
service = "administrator"

hub.JupyterHub.bind_url = f"http://127.0.0.1:{port}"
hub.JupyterHub.hub_port = int(os.environ["HUB_INNER_PORT"])
hub.JupyterHub.oauth_token_expires_in = int(os.environ["HUB_TOKEN_TTL"])
hub.JupyterHub.spawner_class = "simple"
hub.ConfigurableHTTPProxy.command = [os.environ["HUB_PROXY"]]
hub.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{os.environ['HUB_PROXY_PORT']}"

hub.JupyterHub.authenticator_class = "shared-password"
hub.SharedPasswordAuthenticator.user_password = os.environ["HUB_PASSWORD"]
hub.Authenticator.allow_all = True

if code := os.environ.get("HUB_CODE"):
    # What a page of the docs says, and nothing of ours.
    exec(code, {"c": hub})
else:
    hub.JupyterHub.load_groups = {"readers": {"users": ["alice", "carol", "dora"]}}
    hub.JupyterHub.load_roles = [
        {"name": "user", "scopes": ["self", "access:services"]},
        {"name": "reader", "scopes": ["list:users", "read:users:name"], "groups": ["readers"]},
        {
            "name": service,
            "scopes": ["groups", "admin:users", "tokens", "list:users"],
            "services": [service],
        },
    ]
    # Each place where a server listens is a client of its own: a redirect URI is compared whole.
    hub.JupyterHub.services = [{"name": service, "api_token": os.environ["HUB_ADMINISTRATOR"]}] + [
        {
            "name": name,
            "oauth_client_id": f"service-{name}",
            "api_token": os.environ["HUB_CLIENT_SECRET"],
            "oauth_redirect_uri": redirect,
            "oauth_client_allowed_scopes": [
                "read:users!user",
                "list:users",
                "read:tokens!user",
                "tokens!user",
                "access:servers!user",
            ],
            "oauth_no_confirm": False,
        }
        for name, redirect in json.loads(os.environ["HUB_CLIENTS"]).items()
    ]
