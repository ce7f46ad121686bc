"""with_asyncssh.py USER IDENTITY KNOWN_HOSTS HOSTS CHECK [CHANGE PAYLOAD], as floor.c."""
import asyncio
import sys

import asyncssh


async def one(host, user, identity, known, ask, do, payload):
    async with asyncssh.connect(host, username=user, client_keys=[identity], known_hosts=known, config=None) as connection:
        answer = await connection.run(ask, check=True)
        if do and answer.stdout.startswith("todo"):
            await connection.run(do, check=True, stdin=payload, encoding=None)


async def main():
    user, identity, known, hosts, ask, *more = sys.argv[1:]
    do, payload = more or (None, None)
    with open(hosts) as file:
        addresses = file.read().split()
    await asyncio.gather(*(one(host, user, identity, known, ask, do, payload) for host in addresses))


asyncio.run(main())
