"""`evgate sim` as its users run it: real processes, real signals."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from gateway.sim import SimCharger, SimCsms
from gateway.sim.command import add_arguments
from tests.counts import PATIENCE_S

_SIM = (sys.executable, "-m", "gateway", "sim")


async def _start(*arguments: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(*_SIM, *arguments, stdin=pipe, stdout=pipe, stderr=pipe)


async def _finish(process: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
    async with asyncio.timeout(PATIENCE_S):
        out, err = await process.communicate()
    return process.returncode, (out or b"").decode(), err.decode()


async def _line(process: asyncio.subprocess.Process, part: str) -> str:
    """The first line of its output with `part` in it."""
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE_S):
        async for line in process.stdout:
            if part in line.decode():
                return line.decode()
    raise AssertionError(f"no line with {part!r}")


def _url(serving: str) -> str:
    return serving.split()[1].removesuffix("/<identity>;")


async def test_a_script_prints_its_frames(csms: SimCsms, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("boot\nstart 1 TAG\nstop 1\n")
    arguments = ("charger", "--url", csms.url, "--identity", "CP01", "--connectors", "1", "--script", str(script))
    status, out, err = await _finish(await _start(*arguments))
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert [line.split()[1:3] for line in lines] == [["CP01", "->"], ["CP01", "<-"]] * 5
    assert [line.split(maxsplit=3)[3] for line in lines[::2]] == csms.ledger("CP01").received


@pytest.mark.parametrize(
    ("text", "status", "complaint"),
    [
        ("boot\nfly\n", 2, "-: line 2: unknown step 'fly'"),
        ("stop 1\n", 1, "-: line 1: stop 1: no transaction is running on connector 1"),
    ],
)
async def test_a_script_that_is_wrong_or_fails(csms: SimCsms, text: str, status: int, complaint: str) -> None:
    process = await _start("charger", "--url", csms.url, "--identity", "CP01", "--script", "-")
    assert process.stdin is not None
    process.stdin.write(text.encode())
    process.stdin.close()
    found, out, err = await _finish(process)
    assert (found, out) == (status, "")
    assert err.startswith(f"evgate sim: {complaint}")


async def test_a_charger_runs_sessions_until_sigterm(csms: SimCsms) -> None:
    process = await _start("charger", "--url", csms.url, "--identity", "CP01", "--password", "p", "--loop")
    station = csms.station("CP01")
    await station.ledger.wait_until(lambda: "Preparing" in "".join(station.ledger.received), PATIENCE_S)
    process.send_signal(signal.SIGTERM)
    status, _, err = await _finish(process)
    assert (status, err) == (0, "evgate sim: CP01 connected, subprotocol ocpp1.6\n")
    assert station.upgrades[0].authorization is not None
    assert await station.wait_closed(PATIENCE_S) == (1000, "")


async def test_a_charger_obeys_commands_until_ctrl_c(csms: SimCsms) -> None:
    process = await _start("charger", "--url", csms.url, "--identity", "CP01")
    await csms.wait_connected("CP01")
    await csms.ledger("CP01").wait_received(4, PATIENCE_S)
    assert await csms.call("CP01", "RemoteStartTransaction", {"idTag": "T"}) == {"status": "Accepted"}
    await csms.ledger("CP01").wait_until(lambda: csms.transactions != {}, PATIENCE_S)
    process.send_signal(signal.SIGINT)
    status, _, _ = await _finish(process)
    assert (status, len(csms.transactions)) == (0, 1)


async def test_a_charger_that_never_connects_fails() -> None:
    arguments = ("charger", "--url", "ws://127.0.0.1:1/ocpp", "--identity", "CP01", "--seconds", "0.2")
    status, _, err = await _finish(await _start(*arguments))
    assert status == 1
    assert "check the URL and that the server runs" in err


async def test_a_csms_serves_until_ctrl_c() -> None:
    process = await _start("csms", "--listen", "127.0.0.1:0")
    async with SimCharger(_url(await _line(process, "serving")), "CP01") as charger:
        await charger.boot()
        assert "CP01 <- " in await _line(process, "BootNotification")
        process.send_signal(signal.SIGINT)
        assert await charger.wait_closed(PATIENCE_S) == (1001, "")
    status, _, err = await _finish(process)
    assert (status, err) == (0, "")


async def test_a_csms_whose_address_is_taken_says_so(csms: SimCsms) -> None:
    status, _, err = await _finish(await _start("csms", "--listen", f"127.0.0.1:{csms.port}"))
    assert status == 1
    assert f"cannot listen on 127.0.0.1:{csms.port}: Address already in use; choose another with --listen" in err


async def test_output_that_nobody_reads_ends_the_csms() -> None:
    reading, writing = os.pipe()
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *_SIM, "csms", "--listen", "127.0.0.1:0", stdout=writing, stderr=pipe
    )
    os.close(writing)
    with os.fdopen(reading) as output:
        serving = await asyncio.to_thread(output.readline)
    async with SimCharger(_url(serving), "CP01") as charger:
        await charger.send_raw("x")
        await charger.wait_closed(PATIENCE_S)
    status, _, err = await _finish(process)
    assert (status, err) == (0, "")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("charger", "--identity", "CP01"),
        ("charger", "--url", "ws://x", "--identity", "CP01", "--loop", "--script", "x"),
        ("charger", "--url", "ws://x", "--identity", "CP01", "--connectors", "0"),
        ("charger", "--url", "ws://x", "--identity", "CP01", "--seconds", "-1"),
        ("csms", "--listen", "9100"),
        ("csms", "--listen", "127.0.0.1:99999"),
    ],
)
def test_wrong_arguments_have_status_2(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        _parser().parse_args(["sim", *arguments])
    assert ended.value.code == 2
    assert "usage: evgate sim" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["sim", "charger"], ["sim", "csms"], ["demo"]], ids=" ".join)
def test_help_has_an_example(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        _parser().parse_args([*command, "--help"])
    assert ended.value.code == 0
    assert f"example:\n  evgate {' '.join(command)}" in capsys.readouterr().out


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="evgate")
    add_arguments(parser.add_subparsers(required=True))
    return parser
