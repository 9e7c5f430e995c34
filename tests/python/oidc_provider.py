"""An OpenID provider by Authlib: discovery, keys that rotate, and access tokens as RFC 9068 wants them.

    oidc_provider.py [PORT]

It prints where it listens, and serves

    GET  /.well-known/openid-configuration, /keys
    POST /token     grant_type=client_credentials; whoever knows the secret is the client he says he is
    POST /rotate    the next token is signed by a new key; the one before stays published
    GET  /counts    how often the two documents were fetched
"""

import sys
import threading

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, grants
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from flask import Flask, jsonify, request
from joserfc.jwk import ECKey
from werkzeug.serving import make_server

AUDIENCE = "demo"
SECRET = "secret"

app = Flask(__name__)
lock = threading.Lock()
keys = []
counts = {"discovery": 0, "keys": 0}


def rotate():
    number = counts.setdefault("rotations", 0)
    counts["rotations"] = number + 1
    key = ECKey.generate_key("P-256", {"kid": f"key-{number}", "use": "sig", "alg": "ES256"})
    keys[:] = [*keys[-1:], key]


class Client(ClientMixin):
    def __init__(self, client_id):
        self.client_id = client_id

    def get_client_id(self):
        return self.client_id

    def get_allowed_scope(self, scope):
        return scope

    def check_client_secret(self, client_secret):
        return client_secret == SECRET

    def check_endpoint_auth_method(self, method, endpoint):
        return method == "client_secret_post"

    def check_grant_type(self, grant_type):
        return grant_type == "client_credentials"


class ClientCredentials(grants.ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_post"]


class AccessTokens(JWTBearerTokenGenerator):
    def get_jwks(self):
        return {"keys": [keys[-1].as_dict(private=True)]}

    def get_audiences(self, client, user, scope):
        return AUDIENCE


@app.get("/.well-known/openid-configuration")
def discovery():
    with lock:
        counts["discovery"] += 1
    here = request.url_root.rstrip("/")
    return jsonify(
        issuer=here,
        jwks_uri=f"{here}/keys",
        token_endpoint=f"{here}/token",
        authorization_endpoint=f"{here}/authorize",
        response_types_supported=["code"],
        subject_types_supported=["public"],
        id_token_signing_alg_values_supported=["ES256"],
    )


@app.get("/keys")
def jwks():
    with lock:
        counts["keys"] += 1
        return jsonify(keys=[key.as_dict(private=False) for key in keys])


@app.post("/token")
def token():
    with lock:
        return server.create_token_response()


@app.post("/rotate")
def rotated():
    with lock:
        rotate()
    return "", 204


@app.get("/counts")
def counted():
    with lock:
        return jsonify(counts)


rotate()
port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
http = make_server("127.0.0.1", port, app, threaded=True)
issuer = f"http://127.0.0.1:{http.port}"
server = AuthorizationServer(app, query_client=Client, save_token=lambda token, request: None)
server.register_token_generator("default", AccessTokens(issuer=issuer, alg="ES256"))
server.register_grant(ClientCredentials)
print(f"listening on {issuer}", flush=True)
http.serve_forever()
