"""Calls any gRPC method, however odd its path, with an empty message, and prints what came back.

    grpc_raw.py ADDR PATH [KEY=VALUE ...]    the value of a `-bin` key is base64

Prints one line of JSON: `code` (a number, 0 is OK), `details` and `bytes`, the length of the answer.
"""

import base64
import json
import sys

import grpc


def pair(text):
    key, _, value = text.partition("=")
    return key, base64.b64decode(value) if key.endswith("-bin") else value


def main():
    address, path, *metadata = sys.argv[1:]
    with grpc.insecure_channel(address) as channel:
        method = channel.unary_unary(
            path, request_serializer=bytes, response_deserializer=lambda answer: answer
        )
        call = method.future(b"", metadata=[pair(text) for text in metadata], timeout=15)
        answer = call.result() if call.exception() is None else b""
        result = {"code": call.code().value[0], "details": call.details(), "bytes": len(answer)}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
