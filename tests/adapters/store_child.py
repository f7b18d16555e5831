"""A process of its own around a store, for what cannot be done to the process of the tests.

`loop`: commit for ever, and print the number of each station once it is acknowledged.
`read_only`: make a store, open it again as a user who may only read, and print what it says.
`file_limit`: commit more than the process may write, and print what becomes of each commit.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
from datetime import UTC, datetime
from pathlib import Path

from gateway.adapters.sqlite_store import SqliteStore
from gateway.core.record import StationRecord
from gateway.runtime.ports import SavedStation, StoreFailed

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOBODY = 65534
TOGETHER = 8


def a_change(number: int, credential_hash: str | None = None) -> SavedStation:
    return SavedStation(StationRecord(f"CP{number}", f"cp{number}", NOON, credential_hash=credential_hash))


async def loop(path: Path) -> None:
    store = SqliteStore(path)
    await store.open()
    number = len(await store.stations())

    async def commit(number: int) -> None:
        await store.commit([a_change(number)])
        print(number, flush=True)

    while True:
        await asyncio.gather(*(commit(number + step) for step in range(TOGETHER)))
        number += TOGETHER


async def read_only(path: Path) -> None:
    store = SqliteStore(path)
    await store.open()
    await store.close()
    path.chmod(0o444)
    path.parent.chmod(0o555)
    if os.geteuid() == 0:
        os.setuid(NOBODY)
    store = SqliteStore(path)
    try:
        await store.open()
    except StoreFailed as failure:
        print(failure)
    await store.close()


async def file_limit(path: Path) -> None:
    store = SqliteStore(path)
    await store.open()
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, most))
    big = "x" * 1_000_000
    commits = (store.commit([change]) for change in (a_change(1), a_change(2, big), a_change(3)))
    for result in await asyncio.gather(*commits, return_exceptions=True):
        print(result)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    await store.commit([a_change(4, big)])
    print(*(station.identity for station in await store.stations()))
    await store.close()


if __name__ == "__main__":
    task = {"loop": loop, "read_only": read_only, "file_limit": file_limit}[sys.argv[1]]
    asyncio.run(task(Path(sys.argv[2])))
