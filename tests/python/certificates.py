"""Makes a certificate authority and a certificate of it for a server on this machine.

    certificates.py FOLDER      writes ca.pem, server.pem and server.key there
"""

import datetime
import ipaddress
import pathlib
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

folder = pathlib.Path(sys.argv[1])
now = datetime.datetime.now(datetime.timezone.utc)


def certificate(name, key, issuer, issuer_key, is_authority):
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
    )
    if not is_authority:
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def write(name, content):
    (folder / name).write_bytes(content)


authority_key = ec.generate_private_key(ec.SECP256R1())
server_key = ec.generate_private_key(ec.SECP256R1())
authority = certificate("authority", authority_key, "authority", authority_key, True)
server = certificate("server", server_key, "authority", authority_key, False)
pem = serialization.Encoding.PEM
write("ca.pem", authority.public_bytes(pem))
write("server.pem", server.public_bytes(pem))
pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
write("server.key", server_key.private_bytes(pem, pkcs8, plain))
