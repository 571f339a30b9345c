"""requests: with_requests.py SCENARIO URL. Prints what it sees, one JSON object a line."""

import json
import re
import sys
from concurrent.futures import ThreadPoolExecutor

import requests

scenario, url = sys.argv[1:]
session = requests.Session()


def report(step, answer):
    print(json.dumps({"step": step, "status": answer.status_code, "saw": answer.json()}))


def visit():
    report("visit", session.get(f"{url}/visit"))


def sign_in():
    form = session.get(f"{url}/login").text
    token = re.search(r'name="token" value="([^"]*)"', form)[1]
    report("sign in", session.post(f"{url}/login", data={"name": "alice", "token": token}))


def wait(minutes):
    session.post(f"{url}/clock", data={"minutes": minutes}).raise_for_status()


if scenario == "visits":
    for _ in range(3):
        visit()

if scenario == "session":
    visit()
    visit()
    sign_in()
    visit()

    wait(16)  # the key is renewed
    visit()
    visit()
    wait(2)  # the old key retires
    visit()
    wait(2)
    report("keys", session.get(f"{url}/keys"))

    wait(16)  # renewed again, in two requests at once
    with ThreadPoolExecutor() as threads:
        for answer in threads.map(session.get, [f"{url}/together"] * 2):
            report("together", answer)
    visit()

    report("sign out", session.post(f"{url}/logout"))
    sign_in()
    wait(31)  # the session expires
    report("come back", session.get(url))
