"""Opens many streams with grpcio while the login behind them is being ended, again and again.

    grpc_watch_many.py ADDR URL USER ROUNDS

URL is the demo over HTTP; USER has its name as password. Every stream has to end by itself: those
that began before the end of the login, and those that came too late. Prints one line of JSON:
`streams`, how many there were, and `others`, a list of [code, messages] of those that did not end
with UNAUTHENTICATED (16). Code 4 is a stream that went on until the client's deadline.
"""

import json
import sys
import threading

import grpc
import requests

PROTO = "examples/proto/whoami.proto"
CHANNELS = 4
STREAMS = 40
DEADLINE = 5  # seconds


def read(call, ends):
    messages = 0
    try:
        for _ in call:
            messages += 1
    except grpc.RpcError:
        pass  # its code is read off the call below
    ends.append([call.code().value[0], messages])


def main():
    address, url, user, rounds = sys.argv[1:]
    sys.path.insert(0, ".")  # where grpcio-tools looks for the .proto
    protos, services = grpc.protos_and_services(PROTO)
    # One connection each, so that they are served in parallel.
    options = [("grpc.use_local_subchannel_pool", 1)]
    channels = [grpc.insecure_channel(address, options=options) for _ in range(CHANNELS)]
    stubs = [services.WhoamiStub(channel) for channel in channels]
    http = requests.Session()
    http.trust_env = False  # no proxy

    ends = []
    for number in range(int(rounds)):
        login = http.post(f"{url}/token/login", data={"user": user, "password": user}, timeout=10)
        bearer = {"authorization": f"Bearer {login.json()['access_token']}"}
        # At another moment of the opening each time.
        revoke = threading.Timer(
            (number % 12) / 1000,
            lambda bearer=bearer: http.post(
                f"{url}/api/logout-everywhere", headers=bearer, timeout=10
            ).raise_for_status(),
        )
        revoke.start()
        calls = [
            stubs[at % CHANNELS].Watch(
                protos.WatchRequest(), metadata=list(bearer.items()), timeout=DEADLINE
            )
            for at in range(STREAMS)
        ]
        readers = [threading.Thread(target=read, args=(call, ends)) for call in calls]
        for thread in readers:
            thread.start()
        for thread in [revoke, *readers]:
            thread.join()
    for channel in channels:
        channel.close()
    others = [end for end in ends if end[0] != grpc.StatusCode.UNAUTHENTICATED.value[0]]
    print(json.dumps({"streams": len(ends), "others": others}))


if __name__ == "__main__":
    main()
