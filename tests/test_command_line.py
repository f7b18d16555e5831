"""The command line: help, exit statuses, and an end that nothing holds up."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from gateway.__main__ import main
from tests import counts

ROOT = Path(__file__).parents[1]

HANGING_LOOKUP = """
import asyncio, threading
from gateway.__main__ import leave
from gateway.app import Lookups

async def serve() -> None:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(Lookups())
    loop.run_in_executor(None, threading.Event().wait)

asyncio.run(serve())
print("served")
leave(0)
"""


COMMANDS = [
    *("run", "check", "demo", "sim", "sim charger", "sim csms"),
    *("status", "charger", "charger list", "charger adopt", "charger forget", "log", "explain"),
]
GROUPS = ("sim", "charger")


@pytest.mark.parametrize("command", [[], *(command.split() for command in COMMANDS)])
def test_every_command_has_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert "usage: evgate" in shown
    if command != ["sim"]:
        assert "example:\n  evgate " in shown
    if command and command not in ([group] for group in GROUPS):
        assert "exit status: 0 " in shown


WRONG = [["sim"], ["charger"], ["charger", "adopt"], ["charger", "forget", "a", "b"], ["status", "CP01"], ["log", "-x"]]


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["run", "--nonsense"], *WRONG])
def test_called_wrongly_is_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: evgate" in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("evgate 0.")


def test_run_without_a_usable_configuration_is_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--config", str(tmp_path / "absent.toml")]) == 1
    assert "absent.toml" in capsys.readouterr().err


async def test_a_hanging_name_lookup_does_not_hold_up_the_end() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HANGING_LOOKUP, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(counts.PATIENCE_S):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0
    assert output == b"served\n"
