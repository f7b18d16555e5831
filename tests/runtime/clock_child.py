"""A process that hears from upstream what time it is, says so when that is in the store, and waits for its end."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from gateway.adapters.sqlite_store import SqliteStore
from gateway.core.effects import LearnTime
from gateway.runtime.notes import Notes
from gateway.runtime.ports import Change
from gateway.runtime.safekeeping import Safekeeping
from gateway.runtime.timekeeping import Timekeeping
from tests.fakes.clock import StandingClock
from tests.fakes.time_sync import StandingTimeSync


class TellingStore(SqliteStore):
    """Prints a line when a commit is done."""

    async def commit(self, changes: Sequence[Change]) -> None:
        await super().commit(changes)
        print("saved", flush=True)


async def life(path: Path, boot_id: str) -> None:
    clock = StandingClock()
    notes = Notes(clock)
    safekeeping = Safekeeping(TellingStore(path), notes)
    await safekeeping.begin()
    timekeeping = Timekeeping(
        configured=False,
        clock=clock,
        time_sync=StandingTimeSync(clock, boot_id),
        safekeeping=safekeeping,
        notes=notes,
    )
    timekeeping.learn(LearnTime("operator", clock.moment.wall, 0.1, clock.moment))
    await timekeeping.run()


if __name__ == "__main__":
    asyncio.run(life(Path(sys.argv[1]), sys.argv[2]))
