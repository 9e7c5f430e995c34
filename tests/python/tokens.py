"""Verifies, reads and signs JWTs with PyJWT.

    tokens.py verify TOKEN JWKS ISSUER AUDIENCE    JWKS is the key set itself
    tokens.py read TOKEN                           unverified
    tokens.py sign '{"header": …, "claims": …}' KEY    a secret, or a private key in PEM
    tokens.py key EdDSA|ES256|RS256                    makes a private key
    tokens.py jwks KEY EdDSA|ES256|RS256 KID           its public half, as a JWK set

`verify` and `read` print header and claims as one line of JSON, `sign` prints a token, signed as its
header says, `key` prints PEM and `jwks` JSON. A token that does not verify fails the program.
"""

import json
import sys

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa


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


def sign(parts, key):
    parts = json.loads(parts)
    header = parts["header"]
    # As bytes: PyJWT looks at claims that it is given as such, and refuses some.
    claims = json.dumps(parts["claims"]).encode()
    key = None if header["alg"] == "none" else key
    print(jwt.PyJWS().encode(claims, key, algorithm=header["alg"], headers=header))


def key(algorithm):
    made = {
        "EdDSA": ed25519.Ed25519PrivateKey.generate,
        "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "RS256": lambda: rsa.generate_private_key(65537, 2048),
    }[algorithm]()
    pem = made.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    print(pem.decode())


def jwks(key, algorithm, kid):
    private = serialization.load_pem_private_key(key.encode(), None)
    public = jwt.get_algorithm_by_name(algorithm).to_jwk(private.public_key(), as_dict=True)
    print(json.dumps({"keys": [{**public, "kid": kid, "alg": algorithm, "use": "sig"}]}))


if __name__ == "__main__":
    {"verify": verify, "read": read, "sign": sign, "key": key, "jwks": jwks}[sys.argv[1]](*sys.argv[2:])
