"""httpx: with_httpx.py SCENARIO URL. Prints what it sees, one JSON object a line."""

import asyncio
import json
import re
import sys

import httpx

scenario, url = sys.argv[1:]


def report(step, answer):
    print(json.dumps({"step": step, "status": answer.status_code, "saw": answer.json()}))


async def visit(client):
    report("visit", await client.get("/visit"))


async def sign_in(client):
    form = (await client.get("/login")).text
    token = re.search(r'name="token" value="([^"]*)"', form)[1]
    report("sign in", await client.post("/login", data={"name": "alice", "token": token}))


async def wait(client, minutes):
    (await client.post("/clock", data={"minutes": minutes})).raise_for_status()


async def play(client):
    if scenario == "visits":
        for _ in range(3):
            await visit(client)

    if scenario == "session":
        await visit(client)
        await visit(client)
        await sign_in(client)
        await visit(client)

        await wait(client, 16)  # the key is renewed
        await visit(client)
        await visit(client)
        await wait(client, 2)  # the old key retires
        await visit(client)
        await wait(client, 2)
        report("keys", await client.get("/keys"))

        await wait(client, 16)  # renewed again, in two requests at once
        for answer in await asyncio.gather(client.get("/together"), client.get("/together")):
            report("together", answer)
        await visit(client)

        report("sign out", await client.post("/logout"))
        await sign_in(client)
        await wait(client, 31)  # the session expires
        report("come back", await client.get("/"))


async def main():
    async with httpx.AsyncClient(base_url=url, follow_redirects=True, timeout=60) as client:
        await play(client)


asyncio.run(main())
