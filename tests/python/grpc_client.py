"""Calls the Whoami service with grpcio and prints what came back as one line of JSON.

    grpc_client.py --addr 127.0.0.1:50051 --method Get --token eyJ...
    grpc_client.py --addr 127.0.0.1:50051 --method Watch --count 2 --cookie __Host-sid=...

The line has `code` (a number, 0 is OK), `details`, `initial_metadata` and `trailing_metadata` (lists
of [key, value], in order, duplicates kept) and `messages`. A call that fails is a result like any
other; the program itself only fails when it is used wrongly.

Run from the root of the repository: the .proto is compiled at run time.
"""

import argparse
import base64
import json
import sys

import grpc

PROTO = "examples/proto/whoami.proto"


def pair(text):
    """`k=v`; the value of a `-bin` key is base64."""
    key, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not key=value")
    return key, base64.b64decode(value) if key.endswith("-bin") else value


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--addr", required=True, help="host:port")
    parser.add_argument("--method", choices=["Get", "Watch"], default="Get")
    parser.add_argument("--token", help="sent as `authorization: Bearer TOKEN`")
    parser.add_argument("--cookie", help="sent as `cookie: COOKIE`")
    parser.add_argument("--metadata", type=pair, action="append", default=[], metavar="K=V")
    parser.add_argument(
        "--count",
        type=int,
        help="Watch: hang up after so many messages (the code is then 1, CANCELLED)",
    )
    parser.add_argument("--timeout", type=float, default=15.0, help="seconds for the whole call")
    return parser.parse_args()


def listed(metadata):
    return [
        [key, base64.b64encode(value).decode() if isinstance(value, bytes) else value]
        for key, value in metadata or ()
    ]


def as_dict(identity):
    return {
        "subject": identity.subject,
        "login": identity.login,
        "kind": identity.kind,
        "scopes": list(identity.scopes),
        "auth_time": identity.auth_time,
        "expires_at": identity.expires_at,
    }


def main():
    args = arguments()
    sys.path.insert(0, ".")  # where grpcio-tools looks for the .proto
    protos, services = grpc.protos_and_services(PROTO)

    metadata = list(args.metadata)
    if args.token is not None:
        metadata.append(("authorization", f"Bearer {args.token}"))
    if args.cookie is not None:
        metadata.append(("cookie", args.cookie))

    messages = []
    with grpc.insecure_channel(args.addr) as channel:
        stub = services.WhoamiStub(channel)
        if args.method == "Get":
            call = stub.Get.future(protos.GetRequest(), metadata=metadata, timeout=args.timeout)
            if call.exception() is None:
                messages.append(as_dict(call.result()))
        else:
            call = stub.Watch(protos.WatchRequest(), metadata=metadata, timeout=args.timeout)
            try:
                for identity in call:
                    messages.append(as_dict(identity))
                    if args.count is not None and len(messages) >= args.count:
                        call.cancel()
                        break
            except grpc.RpcError:
                pass  # its code and details are read off the call below
        result = {
            "code": call.code().value[0],
            "details": call.details(),
            "initial_metadata": listed(call.initial_metadata()),
            "trailing_metadata": listed(call.trailing_metadata()),
            "messages": messages,
        }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
