"""An OpenID provider by Authlib: discovery, keys that rotate, and access tokens as RFC 9068 wants them.

    oidc_provider.py [PORT]

It prints where it listens, and serves

    GET  /.well-known/openid-configuration, /keys
    POST /token     grant_type=client_credentials; whoever knows the secret is the client he says he is;
                    `sid` is the session that the token says it is of
    POST /id_token  an ID token for `sub`, of the session `sid`
    POST /logout    sends a logout token with `sub`, `sid` or both to `uri`; says what it sent, and the answer
    POST /rotate    the next token is signed by a new key; the one before stays published
    GET  /counts    how often the two documents were fetched
"""

import sys
import threading
import time
import uuid

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, grants
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
import requests
from flask import Flask, jsonify, request
from joserfc import jwt
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


def named(*names):
    return {name: request.form[name] for name in names if name in request.form}


def signed(typ, claims):
    """A token of this provider's, good for two minutes."""
    now = int(time.time())
    claims = {"iss": issuer, "aud": AUDIENCE, "iat": now, "exp": now + 120, **claims}
    key = keys[-1]
    return jwt.encode({"alg": "ES256", "kid": key.kid, "typ": typ}, claims, key)


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

    def get_extra_claims(self, client, grant_type, user, scope):
        return named("sid")


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
        backchannel_logout_supported=True,
        backchannel_logout_session_supported=True,
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


@app.post("/id_token")
def id_token():
    with lock:
        return signed("JWT", {**named("sub", "sid"), "nonce": "n"})


@app.post("/logout")
def logout():
    event = {"http://schemas.openid.net/event/backchannel-logout": {}}
    with lock:
        token = signed("logout+jwt", {**named("sub", "sid"), "jti": uuid.uuid4().hex, "events": event})
    answer = requests.post(request.form["uri"], data={"logout_token": token}, timeout=10)
    return jsonify(token=token, status=answer.status_code, body=answer.text)


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
server.register_token_generator("default", AccessTokens(issuer, alg="ES256", expires_generator=lambda client, grant_type: 3600))
server.register_grant(ClientCredentials)
print(f"listening on {issuer}", flush=True)
http.serve_forever()
