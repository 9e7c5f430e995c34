"""Makes a certificate authority and certificates of it for servers on this machine.

    certificates.py FOLDER

writes there ca.pem, and as .pem and .key each: server, expired (since yesterday), elsewhere (for another name). And
other-ca.pem, an authority that has none of them.
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


def certificate(name, key, issuer, issuer_key, is_authority=False, host=None, days=1):
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=2))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
    )
    if host:
        builder = builder.add_extension(x509.SubjectAlternativeName([host]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def write(name, content):
    (folder / name).write_bytes(content)


pem = serialization.Encoding.PEM
pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()


def authority(file):
    key = ec.generate_private_key(ec.SECP256R1())
    made = certificate("authority", key, "authority", key, is_authority=True)
    write(file, made.public_bytes(pem))
    return key


authority("other-ca.pem")
authority_key = authority("ca.pem")
here = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
for name, host, days in [
    ("server", here, 1),
    ("expired", here, -1),
    ("elsewhere", x509.DNSName("elsewhere.example"), 1),
]:
    key = ec.generate_private_key(ec.SECP256R1())
    made = certificate(name, key, "authority", authority_key, host=host, days=days)
    write(f"{name}.pem", made.public_bytes(pem))
    write(f"{name}.key", key.private_bytes(pem, pkcs8, plain))
