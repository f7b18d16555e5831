"""The commands as processes, against a real control socket."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.adapters.control_house import control_house
from tests.commands.answers import charger, entry, report, stranger
from tests.counts import PATIENCE_S, ROOT
from tests.fakes.desk import FakeDesk

EVGATE = (sys.executable, "-m", "gateway")


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    status: int | None
    out: str
    err: str


@asynccontextmanager
async def running(control: Path, *command: str, **environ: str) -> AsyncIterator[Process]:
    """A command that asks at `control`; killed if it does not end by itself."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=ROOT,
        env={**os.environ, "EVGATE_CONTROL": str(control), "PYTHONIOENCODING": "utf-8", "TZ": "EVG-1", **environ},
        stdout=PIPE,
        stderr=PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def ended(process: Process) -> Ran:
    """Wait for its end."""
    async with asyncio.timeout(PATIENCE_S):
        out, err = await process.communicate()
    return Ran(process.returncode, out.decode(), err.decode())


async def evgate(control: Path, *arguments: str, **environ: str) -> Ran:
    """Run a command to its end."""
    async with running(control, *EVGATE, *arguments, **environ) as process:
        return await ended(process)


async def test_status() -> None:
    async with control_house(FakeDesk([report()])) as house:
        ran = await evgate(house.path, "status")
        assert (ran.status, ran.err) == (0, "")
        assert ran.out.startswith("evgate is OK: chargers are served\n")
        assert "CP01 (East wall), configured: online since 2026-11-21 13:00:05" in ran.out
        assert house.desk.asked.get_nowait() == {"ask": "status"}


async def test_status_as_json_is_the_report_and_harmless() -> None:
    said = report(health="critical", site_name="\x1b[2J\u202e")
    async with control_house(FakeDesk([said])) as house:
        ran = await evgate(house.path, "status", "--json")
    assert (ran.status, ran.err) == (0, "")
    assert json.loads(ran.out) == said
    assert all(line.isprintable() for line in ran.out.split("\n"))


async def test_a_console_without_utf8_shows_what_it_can() -> None:
    async with control_house(FakeDesk([report()])) as house:
        ran = await evgate(house.path, "status", PYTHONIOENCODING="ascii")
    assert (ran.status, ran.err) == (0, "")
    assert "(Depot S\\xfcd)" in ran.out


async def test_charger_list() -> None:
    said = {"chargers": [charger()], "quarantined": [stranger(identity="CP99 ")]}
    async with control_house(FakeDesk([said])) as house:
        ran = await evgate(house.path, "charger", "list")
        assert (ran.status, ran.err) == (0, "")
        assert ran.out.endswith("let it in: evgate charger adopt 'CP99 '\n")
        assert house.desk.asked.get_nowait() == {"ask": "chargers"}
        assert json.loads((await evgate(house.path, "charger", "list", "--json")).out) == said


@pytest.mark.parametrize(
    ("arguments", "request_"),
    [
        (("adopt", "CP 99 "), {"ask": "adopt", "identity": "CP 99 "}),
        (("adopt", "--", "-x"), {"ask": "adopt", "identity": "-x"}),
        (("adopt", "Säule"), {"ask": "adopt", "identity": "Säule"}),
        (("forget", "CP01"), {"ask": "forget", "identity": "CP01", "force": False}),
        (("forget", "CP01", "--force"), {"ask": "forget", "identity": "CP01", "force": True}),
    ],
)
async def test_a_change(arguments: tuple[str, ...], request_: dict[str, object]) -> None:
    async with control_house(FakeDesk([{"done": "it is done: the charger may come"}])) as house:
        ran = await evgate(house.path, "charger", *arguments)
        assert ran == Ran(0, "it is done: the charger may come\n", "")
        assert house.desk.asked.get_nowait() == request_


async def test_what_cannot_be_done_is_1_and_harmless() -> None:
    async with control_house(FakeDesk([{"error": "\x1b[2Jis online: add --force"}])) as house:
        ran = await evgate(house.path, "charger", "forget", "CP01")
    assert ran == Ran(1, "", "evgate: \\x1b[2Jis online: add --force\n")


async def test_log() -> None:
    async with control_house(FakeDesk([entry(), {"skipped": 2}])) as house:
        ran = await evgate(house.path, "log", "--charger", "CP01")
        assert (ran.status, ran.err) == (0, "")
        assert ran.out.startswith("2026-11-21 13:40:12.034  CP01  charger -> upstream  StatusNotification  relayed\n")
        assert ran.out.endswith("(… 2 entries are left out: this terminal did not take them fast enough)\n")
        assert house.desk.asked.get_nowait() == {"ask": "log", "charger": "CP01", "follow": False}

        ran = await evgate(house.path, "log", "--json")
        assert [json.loads(line) for line in ran.out.splitlines()] == [entry(), {"skipped": 2}]
        assert house.desk.asked.get_nowait()["charger"] is None


async def test_log_follows_until_ctrl_c() -> None:
    async with control_house() as house:
        async with running(house.path, *EVGATE, "log", "-f") as process:
            assert process.stdout is not None
            for charger_id in ("CP01", "CP02"):
                house.desk.news.put_nowait(entry(charger=charger_id))
                async with asyncio.timeout(PATIENCE_S):
                    assert f"  {charger_id}  ".encode() in await process.stdout.readline()
                    await process.stdout.readline()
            process.send_signal(signal.SIGINT)
            assert await ended(process) == Ran(0, "", "")
        async with asyncio.timeout(PATIENCE_S):
            await house.desk.closed.wait()


async def test_log_tells_that_the_daemon_ended() -> None:
    async with control_house() as house, running(house.path, *EVGATE, "log", "--follow") as process:
        async with asyncio.timeout(PATIENCE_S):
            await house.desk.following.wait()
        await house.control.close()
        ran = await ended(process)
    assert ran == Ran(1, "", "evgate: evgate ended, and the log with it: follow the new one with `evgate log -f`\n")


async def test_ctrl_c_before_the_answer_is_1_and_quiet() -> None:
    async with control_house(FakeDesk(slow=True)) as house, running(house.path, *EVGATE, "status") as process:
        async with asyncio.timeout(PATIENCE_S):
            await house.desk.following.wait()
        process.send_signal(signal.SIGINT)
        assert await ended(process) == Ran(1, "", "")


async def test_a_reader_that_has_seen_enough_ends_it_quietly() -> None:
    desk = FakeDesk([entry()] * 5_000)
    async with control_house(desk) as house:
        script = f"{' '.join(EVGATE)} log | head -1; echo ${{PIPESTATUS[0]}}"
        async with running(house.path, "bash", "-c", script) as process:
            ran = await ended(process)
    assert (ran.out.splitlines()[1], ran.err) == ("0", "")


async def test_output_that_cannot_be_written_is_1() -> None:
    async with control_house(FakeDesk([report()])) as house:
        script = f"{' '.join(EVGATE)} status > /dev/full"
        async with running(house.path, "bash", "-c", script) as process:
            ran = await ended(process)
    assert ran.status == 1
    assert ran.err == "evgate: cannot write the output (No space left on device): check where it goes\n"


async def test_a_daemon_that_does_not_run() -> None:
    async with control_house() as house:
        await house.control.close()
        never = await evgate(house.path, "status")
        with socket.socket(socket.AF_UNIX) as killed:
            killed.bind(str(house.path))
        stale = await evgate(house.path, "status")
        house.path.unlink()
    assert never == stale
    assert never == Ran(
        1,
        "",
        f"evgate: evgate does not run, nothing answers at {house.path}: look with `systemctl status evgate`, "
        "start it with `sudo systemctl start evgate`; EVGATE_CONTROL must name the same path for the daemon\n",
    )
