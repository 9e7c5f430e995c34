"""Signs and verifies JWTs by libraries that are not ours.

    interop.py LIBRARY sign      pyjwt, authlib or joserfc
    interop.py LIBRARY verify

`sign` reads {"algorithms": [ALG, …], "header": {…}, "claims": {…}}, makes a key for each algorithm, and prints

    {"made": {ALG: {"token": …, "key": a public JWK or a secret one, "pem": the private key}}}

`verify` reads [{"alg", "token", "jwks" or "url", "issuer", "audience"}, …] and prints a list of what is in each token:
its claims, or null with the reason on stderr for one that is refused. The algorithm is the caller's, never the token's.
"""

import json
import secrets
import sys
import warnings

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

# Authlib's own module: it names joserfc as its successor.
warnings.simplefilter("ignore")

SECRET_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}
CURVES = {"ES256": "P-256", "ES384": "P-384"}


class PyJwt:
    def sign(self, alg, header, claims):
        import jwt

        kind = jwt.get_algorithm_by_name(alg)
        if alg in SECRET_BYTES:
            key = secrets.token_bytes(SECRET_BYTES[alg])
            return jwt.encode(claims, key, alg, header), kind.to_jwk(key, as_dict=True), None
        if alg in CURVES:
            key = ec.generate_private_key({"ES256": ec.SECP256R1, "ES384": ec.SECP384R1}[alg]())
        elif alg == "EdDSA":
            key = ed25519.Ed25519PrivateKey.generate()
        else:
            key = rsa.generate_private_key(65537, 2048)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        public = kind.to_jwk(key.public_key(), as_dict=True)
        return jwt.encode(claims, key, alg, header), public, pem

    def verify(self, alg, token, jwks, issuer, audience):
        import jwt

        key = jwt.PyJWKSet.from_dict(jwks)[jwt.get_unverified_header(token)["kid"]]
        return jwt.decode(token, key, algorithms=[alg], issuer=issuer, audience=audience)

    def verify_by_url(self, alg, token, url, issuer, audience):
        import jwt

        key = jwt.PyJWKClient(url).get_signing_key_from_jwt(token)
        return jwt.decode(token, key, algorithms=[alg], issuer=issuer, audience=audience)


class Authlib:
    def sign(self, alg, header, claims):
        from authlib.jose import JsonWebKey, JsonWebToken

        make = JsonWebKey.generate_key
        if alg in SECRET_BYTES:
            key = make("oct", SECRET_BYTES[alg] * 8, is_private=True)
        elif alg in CURVES:
            key = make("EC", CURVES[alg], is_private=True)
        elif alg == "EdDSA":
            key = make("OKP", "Ed25519", is_private=True)
        else:
            key = make("RSA", 2048, is_private=True)
        token = JsonWebToken([alg]).encode(header, claims, key).decode()
        is_secret = alg in SECRET_BYTES
        pem = None if is_secret else key.as_pem(is_private=True).decode()
        return token, key.as_dict(is_private=is_secret), pem

    def verify(self, alg, token, jwks, issuer, audience):
        from authlib.jose import JsonWebKey, JsonWebToken

        options = {
            "iss": {"essential": True, "value": issuer},
            "aud": {"essential": True, "value": audience},
        }
        keys = JsonWebKey.import_key_set(jwks)
        claims = JsonWebToken([alg]).decode(token, keys, claims_options=options)
        claims.validate()
        return dict(claims)


class Joserfc:
    def sign(self, alg, header, claims):
        from joserfc import jwk, jwt

        if alg in SECRET_BYTES:
            key = jwk.OctKey.generate_key(SECRET_BYTES[alg] * 8)
        elif alg in CURVES:
            key = jwk.ECKey.generate_key(CURVES[alg])
        elif alg in ("EdDSA", "Ed25519"):
            key = jwk.OKPKey.generate_key("Ed25519")
        else:
            key = jwk.RSAKey.generate_key(2048)
        token = jwt.encode(header, claims, key, algorithms=[alg])
        is_secret = alg in SECRET_BYTES
        pem = None if is_secret else key.as_pem(private=True).decode()
        return token, key.as_dict(private=is_secret), pem

    def verify(self, alg, token, jwks, issuer, audience):
        from joserfc import jwk, jwt

        read = jwt.decode(token, jwk.KeySet.import_key_set(jwks), algorithms=[alg])
        registry = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": issuer}, aud={"essential": True, "value": audience}
        )
        registry.validate(read.claims)
        return read.claims


def sign(library, asked):
    made = {}
    for alg in asked["algorithms"]:
        kid = f"their-{alg}"
        header = {**asked["header"], "alg": alg, "kid": kid}
        token, key, pem = library.sign(alg, header, asked["claims"])
        made[alg] = {"token": token, "key": {**key, "kid": kid, "alg": alg, "use": "sig"}, "pem": pem}
    return {"made": made}


def verify(library, tokens):
    return [verified(library, token) for token in tokens]


def verified(library, asked):
    rest = asked["issuer"], asked["audience"]
    try:
        if "url" in asked:
            return library.verify_by_url(asked["alg"], asked["token"], asked["url"], *rest)
        return library.verify(asked["alg"], asked["token"], asked["jwks"], *rest)
    except Exception as why:
        print(f"{asked['alg']}: {why!r}", file=sys.stderr)
        return None


if __name__ == "__main__":
    library = {"pyjwt": PyJwt, "authlib": Authlib, "joserfc": Joserfc}[sys.argv[1]]()
    print(json.dumps({"sign": sign, "verify": verify}[sys.argv[2]](library, json.load(sys.stdin))))
