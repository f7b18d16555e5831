"""What the operating system knows of its clock, as far as the service's sandbox lets it be asked.

`adjtimex` would say it at once, but a unit without the right to set the clock may not even read it.
"""

from __future__ import annotations

import asyncio
import os
import time
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

MARKER: Final = Path("/run/systemd/timesync/synchronized")
"""Made by systemd-timesyncd once it has set the clock (systemd-time-wait-sync(8)); /run is empty after a boot."""

BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
"""Hidden inside the sandbox (ProcSubset=pid), where the unit passes it as EVGATE_BOOT_ID."""

# Reads one property, which needs no privilege. systemd starts timedated for it, which changes nothing and ends by
# itself after half a minute; it tells the kernel's state, and so knows of chrony and ntpd too.
ASK_TIMEDATED: Final = (
    "/usr/bin/busctl",
    "--system",
    "get-property",
    "org.freedesktop.timedate1",
    "/org/freedesktop/timedate1",
    "org.freedesktop.timedate1",
    "NTPSynchronized",
)

ANSWER_LIMIT_S = 10.0
"""To start timedated from a slow card takes seconds; a bus that hangs is asked again a minute later anyway."""


class SystemTimeSync:
    """Implements the `TimeSync` port. `ask` is a program that prints `b true` when the clock is synchronised."""

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        marker: Path = MARKER,
        boot_id_file: Path = BOOT_ID,
        ask: Sequence[str] = ASK_TIMEDATED,
        limit_s: float = ANSWER_LIMIT_S,
    ) -> None:
        self._marker = marker
        self._ask = ask
        self._limit_s = limit_s
        self._boot_id = _boot_id(environ, boot_id_file)

    @property
    def boot_id(self) -> str | None:
        """Names the boot of the machine: 32 hexadecimal digits; None if it cannot be found out."""
        return self._boot_id

    def boottime_s(self) -> float:
        """CLOCK_BOOTTIME: seconds since the boot, which no setting of the clock changes."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    async def synced_by(self) -> str | None:
        """`marker` or `timedate1`, whichever says that the clock follows network time; None if none does."""
        if os.path.exists(self._marker):  # noqa: ASYNC240  # in memory, see MARKER
            return "marker"
        return "timedate1" if await self._timedated_says_so() else None

    async def _timedated_says_so(self) -> bool:
        """No answer in time, no bus and no busctl are no yes."""
        try:
            # It needs nothing of this process's environment, which may hold secrets.
            process = await asyncio.create_subprocess_exec(
                *self._ask, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL, env={}
            )
        except OSError:
            return False
        try:
            async with asyncio.timeout(self._limit_s):
                answer, _ = await process.communicate()
        except TimeoutError:
            return False
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        return process.returncode == 0 and answer.split() == [b"b", b"true"]


def _boot_id(environ: Mapping[str, str], file: Path) -> str | None:
    """systemd writes the id without dashes, the kernel with them."""
    text = environ.get("EVGATE_BOOT_ID", "")
    if not text:
        with suppress(OSError, UnicodeDecodeError):
            text = file.read_text("ascii")
    return text.strip().replace("-", "").lower() or None
