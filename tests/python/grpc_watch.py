"""Watches with grpcio, ends the login over HTTP after the first message, and goes on watching.

    grpc_watch.py ADDR METHOD URL KEY VALUE [SECONDS]

KEY and VALUE are the credential, as gRPC metadata and as HTTP header: `authorization` or `cookie`.
METHOD and URL are the HTTP request that ends the login. SECONDS is the deadline of the call, 20 if it
is not given. Prints one line of JSON: `code` (a number), `details`, `ended` (the HTTP status) and
`subjects`, one for each message.
"""

import json
import sys

import grpc
import requests

PROTO = "examples/proto/whoami.proto"


def main():
    address, method, url, key, value, *seconds = sys.argv[1:]
    timeout = float(seconds[0]) if seconds else 20
    sys.path.insert(0, ".")  # where grpcio-tools looks for the .proto
    protos, services = grpc.protos_and_services(PROTO)

    http = requests.Session()
    http.trust_env = False  # no proxy
    subjects = []
    ended = None
    with grpc.insecure_channel(address) as channel:
        stub = services.WhoamiStub(channel)
        call = stub.Watch(protos.WatchRequest(), metadata=[(key, value)], timeout=timeout)
        try:
            for identity in call:
                subjects.append(identity.subject)
                if ended is None:
                    answer = http.request(method, url, headers={key: value}, timeout=10)
                    ended = answer.status_code
        except grpc.RpcError:
            pass  # its code and details are read off the call below
        result = {
            "code": call.code().value[0],
            "details": call.details(),
            "ended": ended,
            "subjects": subjects,
        }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
