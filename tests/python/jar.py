"""Logs in with requests, keeps something in the session, logs out: all by its cookie jar.

    jar.py URL USER PASSWORD

URL is the demo. Prints one line of JSON: `steps`, a list of [what, HTTP status, text], and `jar`, the
names of the cookies that the jar has after each step.
"""

import json
import sys

import requests


def main():
    url, user, password = sys.argv[1:]
    http = requests.Session()
    http.trust_env = False  # no proxy
    steps, jar = [], []

    def step(what, method, path, **kwargs):
        answer = http.request(method, url + path, timeout=10, **kwargs)
        steps.append([what, answer.status_code, answer.text])
        jar.append([cookie.name for cookie in http.cookies])

    cart = "/session/data/cart"
    step("keep", "PUT", cart, json=["tea"])
    step("log in", "POST", "/session/login", data={"user": user, "password": password})
    step("who", "GET", "/api/logins")
    step("kept", "GET", cart)
    step("log out", "POST", "/session/logout")
    step("who", "GET", "/api/logins")
    print(json.dumps({"steps": steps, "jar": jar}))


if __name__ == "__main__":
    main()
