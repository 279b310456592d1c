"""An authorization server built with Authlib, as its documentation has it, with its records in memory.

    python server.py ISSUER RESOURCE ..
"""

import os
import sys
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2 import OAuth2Error, rfc6749, rfc7591, rfc7636, rfc9068, rfc9207
from authlib.oauth2.rfc6749 import InvalidRequestError
from flask import Flask, g, jsonify, redirect, request
from joserfc.jwk import KeySet, RSAKey
from werkzeug.serving import make_server

issuer, *resources = sys.argv[1:]
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
scopes = ["openid", "offline_access", "orders:read", "orders:write"]
app = Flask(__name__)
clients: dict[str, "Client"] = {}
codes: dict[str, "Code"] = {}


def new_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)


keys = [new_key()]


class User(str):
    def get_user_id(self) -> str:
        return str(self)


@dataclass
class Client(rfc6749.ClientMixin):
    metadata: dict

    def get_client_id(self):
        return self.metadata["client_id"]

    def get_default_redirect_uri(self):
        return self.metadata["redirect_uris"][0]

    def get_allowed_scope(self, scope):
        return " ".join(s for s in (scope or "").split() if s in scopes)

    def check_redirect_uri(self, redirect_uri):
        return redirect_uri in self.metadata["redirect_uris"]

    def check_client_secret(self, client_secret):
        return client_secret == self.metadata["client_secret"]

    def check_endpoint_auth_method(self, method, endpoint):
        return method == self.metadata["token_endpoint_auth_method"]

    def check_response_type(self, response_type):
        return response_type in self.metadata["response_types"]

    def check_grant_type(self, grant_type):
        return grant_type in self.metadata["grant_types"]


@dataclass
class Code(rfc6749.AuthorizationCodeMixin):
    code: str
    client_id: str
    redirect_uri: str
    scope: str
    user: User
    resource: str
    code_challenge: str
    code_challenge_method: str = field(default="S256")

    def get_redirect_uri(self):
        return self.redirect_uri

    def get_scope(self):
        return self.scope


class AuthorizationCodeGrant(rfc6749.AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["none", "client_secret_basic"]

    def save_authorization_code(self, code, request):
        data = request.payload.data
        codes[code] = Code(
            code=code,
            client_id=request.client.get_client_id(),
            redirect_uri=request.payload.redirect_uri,
            scope=request.client.get_allowed_scope(request.payload.scope),
            user=request.user,
            resource=data.get("resource"),
            code_challenge=data.get("code_challenge"),
            code_challenge_method=data.get("code_challenge_method"),
        )

    def query_authorization_code(self, code, client):
        found = codes.get(code)
        if not found or found.client_id != client.get_client_id():
            return None
        # Its generator of tokens is not given the request (RFC 8707 is not implemented there).
        g.resource = found.resource
        return found

    def delete_authorization_code(self, authorization_code):
        codes.pop(authorization_code.code)

    def authenticate_user(self, authorization_code):
        return authorization_code.user


class Tokens(rfc9068.JWTBearerTokenGenerator):
    def get_jwks(self):
        # A token of a set names its key (`kid`), and one of a bare key does not.
        return KeySet([keys[0]])

    def get_audiences(self, client, user, scope):
        return g.resource


class Issuer(rfc9207.IssuerParameter):
    def get_issuer(self):
        return issuer


class Registration(rfc7591.ClientRegistrationEndpoint):
    def authenticate_token(self, request):
        return True

    def get_server_metadata(self):
        return metadata

    def save_client(self, client_info, client_metadata, request):
        # The scope of a registration is that of the client's first challenge.
        clients[client_info["client_id"]] = Client(client_metadata | client_info)
        return clients[client_info["client_id"]]


metadata = {
    "issuer": issuer,
    "authorization_endpoint": f"{issuer}/authorize",
    "token_endpoint": f"{issuer}/token",
    "registration_endpoint": f"{issuer}/register",
    "jwks_uri": f"{issuer}/jwks",
    "scopes_supported": scopes,
    "response_types_supported": ["code"],
    "grant_types_supported": ["authorization_code", "refresh_token"],
    "token_endpoint_auth_methods_supported": ["none", "client_secret_basic"],
    "code_challenge_methods_supported": ["S256"],
    "authorization_response_iss_parameter_supported": True,
}

server = AuthorizationServer(app, query_client=clients.get, save_token=lambda token, request: None)
server.register_grant(AuthorizationCodeGrant, [rfc7636.CodeChallenge(required=True)])
server.register_token_generator("default", Tokens(issuer=issuer))
server.register_endpoint(Registration)
server.register_extension(Issuer())

page = '<!doctype html><form method="post"><input name="name"><input type="password" name="password"><button>Agree</button></form>'


@app.route("/authorize", methods=["GET", "POST"])
def authorize():
    try:
        if request.values.get("resource") not in resources:
            raise InvalidRequestError("the resource is not known")
        user = None
        if request.method == "POST" and request.form["password"] == f"{request.form['name']}-password":
            user = User(request.form["name"])
        grant = server.get_consent_grant(end_user=user)
    except OAuth2Error as error:
        return server.handle_error_response(request, error)
    if request.method == "GET":
        return page
    return server.create_authorization_response(grant=grant, grant_user=user)


@app.post("/token")
def token():
    return server.create_token_response()


@app.post("/register")
def register():
    return server.create_endpoint_response(Registration.ENDPOINT_NAME)


@app.get("/.well-known/oauth-authorization-server")
def discovery():
    return jsonify(metadata)


@app.get("/jwks")
def jwks():
    return jsonify(KeySet(keys).as_dict(private=False))


@app.post("/rotate")
def rotate():
    keys.insert(0, new_key())
    return ""


listener = make_server("127.0.0.1", urlsplit(issuer).port, app, threaded=True)
print("ready", flush=True)
listener.serve_forever()
