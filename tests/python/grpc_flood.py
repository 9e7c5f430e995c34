"""Calls Whoami/Get many times at once over one connection of grpcio, each call with a token of its own.

    grpc_flood.py ADDR TOKEN COUNT

TOKEN has one letter changed for each call, at another place each time. Prints one line of JSON: how
many calls ended with which code.
"""

import collections
import json
import sys

import grpc


def broken(token, number):
    at = number % len(token)
    letter = "A" if token[at] != "A" else "B"
    return token[:at] + letter + token[at + 1 :]


def main():
    address, token, count = sys.argv[1:]
    with grpc.insecure_channel(address) as channel:
        get = channel.unary_unary(
            "/auth.demo.v1.Whoami/Get",
            request_serializer=bytes,
            response_deserializer=lambda answer: answer,
        )
        bearers = [f"Bearer {broken(token, number)}" for number in range(int(count))]
        calls = [get.future(b"", metadata=[("authorization", it)], timeout=30) for it in bearers]
        codes = collections.Counter(str(call.code().value[0]) for call in calls)
    print(json.dumps(codes))


if __name__ == "__main__":
    main()
