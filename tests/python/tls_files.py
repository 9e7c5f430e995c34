"""Serves the files of a folder by HTTPS.

    tls_files.py FOLDER CERTIFICATE KEY     PEM files
"""

import functools
import http.server
import ssl
import sys

folder, certificate, key = sys.argv[1:]
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
# Shaken hands by the thread of the connection, so that nobody waits for one that never does.
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
print(f"listening on https://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
