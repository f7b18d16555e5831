"""`evgate demo` whole: broker, CSMS, gateway and chargers as real processes and sockets."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

# Start of three processes on a loaded machine, the show, and the end.
_DEMO_S = 60.0


@asynccontextmanager
async def _demo(folder: Path, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A running demo that has _DEMO_S for all it does, and is ended by SIGTERM if it is still there then."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "demo", *arguments),
        stdout=pipe,
        stderr=pipe,
        env=os.environ | {"TMPDIR": str(folder)},
    )
    try:
        async with asyncio.timeout(_DEMO_S):
            yield process
    finally:
        if process.returncode is None:
            process.terminate()
            out, err = await process.communicate()
            print(out.decode(), err.decode())


async def test_the_demo_shows_what_the_gateway_publishes_and_loses_nothing(tmp_path: Path) -> None:
    async with _demo(tmp_path, "--seconds", "8") as process:
        out, err = await process.communicate()
    text = out.decode()
    assert (process.returncode, err.decode()) == (0, "")
    assert re.search(r"mosquitto_sub -h 127\.0\.0\.1 -p \d+ -t 'evgate/demo/#' -v", text)
    for change in (
        "gateway is online",
        "cp01 is online",
        "cp02 is online",
        "cp01 connector 2 is Available",
        "cp01 connector 1 is Preparing",
        "cp01 connector 1 is Charging",
        "cp01 connector 1 is SuspendedEV",
        "cp01 connector 1 is Finishing",
        "cp02 connector 1 is Faulted, GroundFailure",
        "gateway is offline",
    ):
        assert change in text
    totals = re.search(
        r"^(\d+) frames by the chargers, (\d+) of them upstream; "
        r"(\d+) frames by the CSMS, (\d+) of them at the chargers; lost 0, doubled 0$",
        text,
        re.MULTILINE,
    )
    assert totals is not None
    sent, arrived, answered, answers = map(int, totals.groups())
    assert sent == arrived > 20
    assert answered == answers > 20
    assert list(tmp_path.iterdir()) == []


async def test_the_demo_can_be_asked_and_ends_cleanly_when_told(tmp_path: Path) -> None:
    async with _demo(tmp_path) as process:
        assert process.stdout is not None
        control = ""
        async for line in process.stdout:
            if line.startswith(b"Ask the gateway"):
                [control] = re.findall(r"EVGATE_CONTROL=(\S+) evgate status$", line.decode().strip())
            if b" is Charging " in line:
                break
        asking = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway", "status"),
            stdout=asyncio.subprocess.PIPE,
            env=os.environ | {"EVGATE_CONTROL": control},
        )
        answer, _ = await asking.communicate()
        assert asking.returncode == 0
        assert "Chargers: 2 of 2 online" in answer.decode()
        process.send_signal(signal.SIGTERM)
        out, err = await process.communicate()
    assert (process.returncode, err.decode()) == (0, "")
    assert "lost 0, doubled 0" in out.decode()
    assert list(tmp_path.iterdir()) == []
