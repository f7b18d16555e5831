"""What can go wrong between a command and the daemon, each with a sentence that says what to do."""

from __future__ import annotations

import os
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.commands.ask import AskFailed, ask, ask_once
from tests.counts import PATIENCE_S

NOBODY = 65534


@pytest.fixture
def path() -> Iterator[Path]:
    """Where a socket may be made."""
    with tempfile.TemporaryDirectory(prefix="evgate-") as folder:
        yield Path(folder, "control.sock")


@contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    """A socket that takes connections and says nothing."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(0)
        server.settimeout(PATIENCE_S)
        yield server


@contextmanager
def saying(path: Path, octets: bytes) -> Iterator[None]:
    """A server that says the same to everybody, whatever is asked."""
    with listening(path) as server:

        def serve() -> None:
            peer, _ = server.accept()
            with peer:
                peer.recv(65_536)
                peer.sendall(octets)

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join(PATIENCE_S)


@contextmanager
def nobody() -> Iterator[None]:
    """Without the rights of root, which no file mode stops."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(before)


def complaint(path: Path, timeout_s: float = PATIENCE_S) -> str:
    with pytest.raises(AskFailed) as failed:
        list(ask(path, {"ask": "status"}, timeout_s))
    return str(failed.value)


def test_answers_come_one_by_one(path: Path) -> None:
    with saying(path, b'{"n": 1}\n{"n": 2}\n'):
        assert list(ask(path, {"ask": "log"})) == [{"n": 1}, {"n": 2}]


def test_without_the_right(path: Path) -> None:
    with listening(path):
        path.chmod(0)
        with nobody():
            text = complaint(path)
    advice = "put `sudo` before the command, or run `sudo usermod -aG evgate $USER` and log in again"
    assert text == f"only the group evgate may ask at {path}: {advice}"


def test_a_daemon_that_hangs(path: Path) -> None:
    with listening(path):
        text = complaint(path, timeout_s=0.05)
    assert text.startswith("evgate runs and does not answer: look with `journalctl -u evgate`, restart it")


def test_a_daemon_that_has_hung_for_long(path: Path) -> None:
    with listening(path), socket.socket(socket.AF_UNIX) as waiting:
        waiting.connect(str(path))
        assert complaint(path).startswith("evgate runs and does not answer: ")


def test_a_path_that_no_socket_has() -> None:
    text = complaint(Path("/" + "x" * 200))
    assert text.endswith(": set EVGATE_CONTROL to the path of the daemon's control socket")


@pytest.mark.parametrize("octets", [b'{"n": 1}\n{"n"', b"\xff"])
def test_an_answer_that_breaks_off(path: Path, octets: bytes) -> None:
    with saying(path, octets):
        assert complaint(path).startswith("the connection to evgate broke in the middle of an answer: look with")


@pytest.mark.parametrize("octets", [b"HTTP/1.1 400 Bad Request\r\n", b"[]\n", b"\xff\n", b"[" * 100_000 + b"\n"])
def test_an_answer_of_something_else(path: Path, octets: bytes) -> None:
    with saying(path, octets):
        assert complaint(path).startswith("the answer is not evgate's: see which program listens")


def test_a_connection_that_is_reset(path: Path) -> None:
    with listening(path) as server:

        def serve() -> None:
            # With the question there and unread, the kernel resets what it closes.
            peer, _ = server.accept()
            peer.recv(1, socket.MSG_PEEK)
            peer.close()

        thread = threading.Thread(target=serve)
        thread.start()
        text = complaint(path)
        thread.join(PATIENCE_S)
    assert text.startswith("the connection to evgate broke")


def test_a_daemon_that_is_full_says_so_before_it_reads(path: Path) -> None:
    with listening(path) as server:

        def serve() -> None:
            peer, _ = server.accept()
            with peer:
                peer.sendall(b'{"error": "16 commands are asking already: end one"}\n')

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(AskFailed, match=r"\A16 commands are asking already: end one\Z"):
            # More than the kernel takes of what nobody reads.
            ask_once(path, {"ask": "adopt", "identity": "x" * 4_000_000})
        thread.join(PATIENCE_S)


def test_no_answer_where_there_must_be_one(path: Path) -> None:
    with saying(path, b""), pytest.raises(AskFailed, match="evgate ended before it answered: look with"):
        ask_once(path, {"ask": "status"})
