"""Verifies, reads and signs JWTs with PyJWT.

    tokens.py verify TOKEN JWKS ISSUER AUDIENCE    JWKS is the key set itself
    tokens.py read TOKEN                           unverified
    tokens.py sign '{"header": …, "claims": …}' SECRET

`verify` and `read` print header and claims as one line of JSON, `sign` prints a token signed with
HS256. A token that does not verify fails the program.
"""

import json
import sys

import jwt


def verify(token, jwks, issuer, audience):
    header = jwt.get_unverified_header(token)
    key = jwt.PyJWKSet.from_json(jwks)[header["kid"]]
    # The algorithm is the key's, not the token's.
    claims = jwt.decode(
        token,
        key,
        algorithms=[key.algorithm_name],
        issuer=issuer,
        audience=audience,
        options={"require": ["exp", "iat", "nbf", "iss", "aud", "sub", "jti"]},
    )
    print(json.dumps({"header": header, "claims": claims}))


def read(token):
    claims = jwt.decode(token, options={"verify_signature": False})
    print(json.dumps({"header": jwt.get_unverified_header(token), "claims": claims}))


def sign(parts, secret):
    parts = json.loads(parts)
    header = {**parts["header"], "alg": "HS256"}
    print(jwt.encode(parts["claims"], secret, algorithm="HS256", headers=header))


if __name__ == "__main__":
    {"verify": verify, "read": read, "sign": sign}[sys.argv[1]](*sys.argv[2:])
