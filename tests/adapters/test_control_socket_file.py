"""The control socket's file: whose it is, who may open it, and what stands in its way."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.adapters.control_socket import LONGEST_PATH_BYTES, ControlFailed, ControlSocket
from tests.adapters.control_house import control_house, said
from tests.fakes.desk import FakeDesk

STATUS = b'{"ask": "status"}\n'


async def refusal(path: Path) -> str:
    """Why no control socket can be made there."""
    control = ControlSocket(path, FakeDesk())
    with pytest.raises(ControlFailed) as failed:
        await control.open()
    await control.close()
    text = str(failed.value)
    assert text.startswith(f"no control socket at {path} (")
    return text.partition(f"{path} ")[2]


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def leave_a_stale_socket(path: Path) -> None:
    """As a daemon that was killed does."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o177])
async def test_owner_and_group_may_ask_whatever_the_umask(mask: int) -> None:
    with umask(mask):
        async with control_house() as house:
            assert stat.S_IMODE(house.path.stat().st_mode) == 0o660


def test_the_file_is_never_more_open_than_that(tmp_path: Path) -> None:
    """Looked at when there is a file and nothing has changed it yet."""
    script = """
import asyncio, os, pathlib, stat, sys
from gateway.adapters.control_socket import ControlSocket
path = pathlib.Path(sys.argv[1])
def look(event, arguments):
    if event == "os.chmod" and str(arguments[0]) == str(path):
        print(oct(stat.S_IMODE(os.lstat(path).st_mode)))
sys.addaudithook(look)
os.umask(int(sys.argv[2], 8))
asyncio.run(ControlSocket(path, None).open())
print(oct(stat.S_IMODE(os.lstat(path).st_mode)))
"""
    for mask, before in (("000", "0o660"), ("022", "0o640")):
        path = os.path.relpath(tmp_path / f"s{mask}")
        result = subprocess.run([sys.executable, "-c", script, path, mask], capture_output=True, text=True)
        assert result.stdout.split() == [before, "0o660"], result.stderr


async def test_what_a_crash_left_is_replaced(tmp_path: Path) -> None:
    async with control_house(FakeDesk([{"n": 1}])) as house:
        await house.control.close()
        leave_a_stale_socket(house.path)
        again = ControlSocket(house.path, house.desk)
        await again.open()
        assert await said(house.path, STATUS) == [{"n": 1}]
        await again.close()
        assert not house.path.exists()


async def test_a_living_daemon_keeps_its_socket() -> None:
    async with control_house(FakeDesk([{"n": 1}])) as house:
        text = await refusal(house.path)
        assert text.startswith("(another daemon answers there), `evgate status` cannot ask: end the other one")
        assert await said(house.path, STATUS) == [{"n": 1}]


async def test_a_daemon_with_a_full_queue_is_alive() -> None:
    async with control_house() as house:
        await house.control.close()
        with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as waiting:
            busy.bind(str(house.path))
            busy.listen(0)
            waiting.connect(str(house.path))
            assert (await refusal(house.path)).startswith("(another daemon answers there)")


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
async def test_what_is_no_socket_is_left_alone(tmp_path: Path, kind: str) -> None:
    folder = Path(os.path.relpath(tmp_path))
    path = folder / "c"
    if kind == "file":
        path.write_text("precious")
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("precious")
    before = path.lstat()
    text = await refusal(path)
    assert text.startswith("(something else is there), `evgate status` cannot ask: move it away")
    assert path.lstat() == before


async def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    text = await refusal(Path(os.path.relpath(tmp_path), "run", "c"))
    assert text.startswith("(No such file or directory), `evgate status` cannot ask: make its folder")


async def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    folder = Path(os.path.relpath(tmp_path))
    (folder / "run").write_text("")
    assert (await refusal(folder / "run" / "c")).startswith("(Not a directory), ")


async def test_a_folder_where_nobody_makes_files() -> None:
    # Not even root, as which some machines run tests.
    assert "set EVGATE_CONTROL to " in await refusal(Path("/sys/control.sock"))


async def test_the_longest_path(tmp_path: Path) -> None:
    folder = Path(os.path.relpath(tmp_path))
    fits = folder / ("x" * (LONGEST_PATH_BYTES - len(os.fsencode(folder)) - 1))
    control = ControlSocket(fits, FakeDesk([{"n": 1}]))
    await control.open()
    assert await said(fits, STATUS) == [{"n": 1}]
    await control.close()

    text = await refusal(fits.with_name(f"{fits.name}x"))
    assert text.endswith("`evgate status` cannot ask: set EVGATE_CONTROL to a shorter path")


async def test_a_socket_that_somebody_replaced_is_not_removed() -> None:
    async with control_house() as house:
        house.path.unlink()
        house.path.write_text("somebody else's")
        await house.control.close()
        assert house.path.read_text() == "somebody else's"
        house.path.unlink()


async def test_closed_without_ever_being_open(tmp_path: Path) -> None:
    await ControlSocket(tmp_path / "c", FakeDesk()).close()
