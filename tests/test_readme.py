"""The README says what is: its table is generated, and every command in it is run, here or by CI."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.core.reports import BootReported
from gateway.settings.quirk_files import read_quirks
from gateway.sim.csms import SimCsms
from gateway.topics import topics_table
from tests import counts
from tests.boot.test_guide import blocks as followed_by_the_boot_test

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
CI = ROOT / ".ci" / "run"

MARKS = re.compile(r"(<!-- topics -->\n).*?(<!-- /topics -->)", re.DOTALL)
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)

EVGATE = ".venv/bin/evgate "
"""How the README calls it; the test calls the same module with the interpreter that runs the tests."""


def refreshed(readme: str) -> str:
    """The README with its generated parts as they should be."""
    return MARKS.sub(lambda marks: f"{marks[1]}{topics_table().strip()}\n{marks[2]}", readme)


def commands() -> list[str]:
    """Every command in a shell block, without those that take a machine of their own."""
    followed = followed_by_the_boot_test(README.read_text())
    blocks = [block for block in BLOCK.findall(README.read_text()) if block not in followed]
    return [line for block in blocks for line in block.splitlines() if line]


def files() -> list[str]:
    """The files that the README shows: a configuration, and one of quirks."""
    return re.findall(r"^```toml\n(.*?)^```", README.read_text(), re.DOTALL | re.MULTILINE)


def two_chargers() -> str:
    """The configuration that the README shows."""
    configuration, _ = files()
    return configuration


def test_generated_table_is_fresh() -> None:
    readme = README.read_text()
    assert MARKS.search(readme)
    assert readme == refreshed(readme), "run `make readme`"


def test_there_are_commands_of_both_kinds() -> None:
    assert any(command.startswith("make ") for command in commands())
    assert any(command.startswith(EVGATE) for command in commands())


def test_the_quirk_that_is_shown_can_be_used() -> None:
    _, shown = files()
    [(_, quirk)], problems = read_quirks("acme.toml", shown.encode(), of_site=True)
    assert problems == []
    assert quirk.fits(BootReported("ACME Ltd", "Wall 1", firmware="2.1"))
    assert not quirk.fits(BootReported("ACME Ltd", "Wall 1", firmware="2.2"))


def test_what_is_copied_is_there() -> None:
    [copy] = [shlex.split(command) for command in commands() if command.startswith("cp ")]
    assert (ROOT / copy[1]).is_file()


@pytest.mark.parametrize("command", [command for command in commands() if command.startswith("make ")])
def test_make_commands_are_run_by_ci(command: str) -> None:
    target = shlex.split(command)[:2]
    assert " ".join(target) in CI.read_text()


@pytest.fixture
async def csms() -> AsyncIterator[SimCsms]:
    """Something for the simulated charger to dial, in place of the gateway on port 9000."""
    async with SimCsms() as running:
        yield running


@pytest.mark.parametrize("command", [command for command in commands() if command.startswith(EVGATE)])
async def test_evgate_commands_do_what_the_readme_says(command: str, tmp_path: Path, csms: SimCsms) -> None:
    site = tmp_path / "my-site.toml"
    site.write_text(
        (ROOT / "config" / "gateway.toml").read_text() + two_chargers().replace("/tmp/evgate", str(tmp_path))
    )
    command = command.replace("ws://127.0.0.1:9000/ocpp", csms.url).replace("my-site.toml", str(site))
    arguments = shlex.split(command.removeprefix(EVGATE))
    environ = {
        **os.environ,
        "EVGATE_CHARGERS__LISTEN": "127.0.0.1:0",
        "EVGATE_SITE__ID": "readme",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway",
        *arguments,
        cwd=ROOT,
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    output = b""
    async with asyncio.timeout(counts.PATIENCE_S):
        while line := await process.stdout.readline():
            output += line
            if arguments[0] == "run" and line.startswith(b"READY"):
                process.send_signal(signal.SIGTERM)
        status = await process.wait()
    assert status == 0, output.decode()
    assert b"Traceback" not in output


if __name__ == "__main__":
    README.write_text(refreshed(README.read_text()))
