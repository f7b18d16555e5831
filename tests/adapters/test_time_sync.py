"""What the operating system says of its clock: real files, and real programs in the place of busctl."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from gateway.adapters.time_sync import BOOT_ID, SystemTimeSync
from tests.counts import PATIENCE_S


def program(folder: Path, text: str) -> list[str]:
    """A program that stands for busctl."""
    file = folder / "busctl"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return [str(file)]


def asking(folder: Path, text: str, limit_s: float = PATIENCE_S) -> SystemTimeSync:
    """Without the marker, so that the program is asked."""
    return SystemTimeSync({}, marker=folder / "synchronized", ask=program(folder, text), limit_s=limit_s)


async def test_the_marker_is_enough_and_nobody_else_is_asked(tmp_path: Path) -> None:
    time_sync = asking(tmp_path, f"touch {tmp_path}/asked; echo b true")
    assert await time_sync.synced_by() == "timedate1"
    (tmp_path / "asked").unlink()
    (tmp_path / "synchronized").touch()
    assert await time_sync.synced_by() == "marker"
    assert not (tmp_path / "asked").exists()


@pytest.mark.parametrize(
    "text",
    [
        "echo b false",
        "echo 'Failed to connect to bus: No such file or directory' >&2; exit 1",
        "echo b true; exit 1",
        "echo s true",
        "echo b true true",
        r"printf '\377'",
        "exit 0",
        "kill -9 $$",
    ],
)
async def test_whatever_is_no_yes_is_none(tmp_path: Path, text: str) -> None:
    assert await asking(tmp_path, text).synced_by() is None


async def test_a_machine_without_busctl_is_not_synchronised(tmp_path: Path) -> None:
    missing, directory = tmp_path / "missing", tmp_path
    for ask in (missing, directory):
        assert await SystemTimeSync({}, marker=missing, ask=[str(ask)]).synced_by() is None


def hanging(folder: Path) -> str:
    """Says which process it is, and never ends."""
    os.mkfifo(folder / "pid")
    return f"echo $$ > {folder}/pid; exec sleep 1000"


async def process_of(folder: Path) -> int:
    """The hanging program, once it has begun."""
    return int(await asyncio.to_thread((folder / "pid").read_text))


def is_gone(process: int) -> bool:
    return not Path(f"/proc/{process}").exists()


async def test_a_bus_that_hangs_is_given_up(tmp_path: Path) -> None:
    asked = asyncio.create_task(asking(tmp_path, hanging(tmp_path), limit_s=0.5).synced_by())
    process = await process_of(tmp_path)
    assert await asked is None
    assert is_gone(process)


async def test_who_stops_waiting_leaves_no_process_behind(tmp_path: Path) -> None:
    asked = asyncio.create_task(asking(tmp_path, hanging(tmp_path)).synced_by())
    process = await process_of(tmp_path)
    asked.cancel()
    await asyncio.wait([asked])
    assert asked.cancelled()
    assert is_gone(process)


async def test_the_program_learns_nothing_of_our_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVGATE_MQTT__PASSWORD", "secret")
    assert await asking(tmp_path, 'test -z "$EVGATE_MQTT__PASSWORD" && echo b true').synced_by() == "timedate1"


def test_the_kernel_names_the_boot_and_systemd_may_say_it_instead(tmp_path: Path) -> None:
    by_kernel = SystemTimeSync({}).boot_id
    assert by_kernel == BOOT_ID.read_text("ascii").strip().replace("-", "")
    by_unit = SystemTimeSync({"EVGATE_BOOT_ID": by_kernel.upper()}, boot_id_file=tmp_path / "hidden").boot_id
    assert by_unit == by_kernel


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff"])
def test_a_boot_without_a_name(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "boot_id"
    if content is not None:
        file.write_bytes(content)
    assert SystemTimeSync({}, boot_id_file=file).boot_id is None
