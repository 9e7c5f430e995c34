"""Reads what sessions hold out of Redis, as a program that is not ours would: no library, plain commands.

    session_data.py URL

URL is redis://HOST:PORT. Prints one line of JSON: a list of sessions, each an object of its fields.
"""

import json
import socket
import sys
from urllib.parse import urlsplit


def call(stream, *words):
    """Sends one command (RESP2), and reads its reply."""
    parts = b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
    stream.write(b"*%d\r\n%s" % (len(words), parts))
    stream.flush()
    return reply(stream)


def reply(stream):
    kind, rest = (line := stream.readline().rstrip(b"\r\n"))[:1], line[1:]
    match kind:
        case b"$":
            size = int(rest)
            return None if size < 0 else stream.read(size + 2)[:-2]
        case b"*":
            return [reply(stream) for _ in range(int(rest))]
        case b":":
            return int(rest)
        case b"+":
            return rest
    raise RuntimeError(rest.decode())


def sessions(stream):
    cursor = b"0"
    while True:
        cursor, keys = call(stream, b"SCAN", cursor, b"MATCH", b"auth:s:*")
        for key in keys:
            entries = iter(call(stream, b"HGETALL", key))
            yield {
                name.removeprefix(b"f:").decode(): json.loads(value)
                for name, value in zip(entries, entries)
                if name.startswith(b"f:")
            }
        if cursor == b"0":
            return


def main():
    url = urlsplit(sys.argv[1])
    with socket.create_connection((url.hostname, url.port), timeout=10) as connection:
        with connection.makefile("rwb") as stream:
            print(json.dumps(list(sessions(stream))))


if __name__ == "__main__":
    main()
