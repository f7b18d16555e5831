"""One question to the running daemon, and its answers."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Generator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

from gateway.settings import control_path

ANSWER_TIMEOUT_S: Final = 20.0
"""The daemon answers in milliseconds; an adoption may wait 10 s for a store that is about to fail."""

_START = "look with `systemctl status evgate`, start it with `sudo systemctl start evgate`"


class AskFailed(Exception):
    """The daemon could not be asked, or could not do it; the message ends with what to do next."""


def ask(
    path: Path, request: Mapping[str, Any], timeout_s: float | None = ANSWER_TIMEOUT_S
) -> Generator[Mapping[str, Any], None, None]:
    """The answers, as they come; each may take `timeout_s` (None: as long as it likes). Raises AskFailed."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
        peer.settimeout(ANSWER_TIMEOUT_S)
        _connect(peer, path)
        # A daemon that takes no more questions says so and hangs up before it has read this one.
        with suppress(BrokenPipeError, ConnectionResetError):
            peer.sendall(json.dumps(request).encode("ascii") + b"\n")
        peer.settimeout(timeout_s)
        with peer.makefile("rb") as lines:
            while line := _next(lines.readline):
                yield _answer(line)


def ask_once(path: Path, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """The one answer to a question that has one. Raises AskFailed."""
    with closing(ask(path, request)) as answers:
        for answer in answers:
            return answer
    raise AskFailed(f"evgate ended before it answered: {_START}")


def _connect(peer: socket.socket, path: Path) -> None:
    try:
        peer.connect(str(path))
    except (FileNotFoundError, ConnectionRefusedError) as error:
        hint = "" if path == control_path({}) else "; EVGATE_CONTROL must name the same path for the daemon"
        raise AskFailed(f"evgate does not run, nothing answers at {path}: {_START}{hint}") from error
    except PermissionError as error:
        advice = "put `sudo` before the command, or run `sudo usermod -aG evgate $USER` and log in again"
        raise AskFailed(f"only the group evgate may ask at {path}: {advice}") from error
    except (BlockingIOError, TimeoutError) as error:
        raise _too_slow() from error
    except OSError as error:
        advice = "set EVGATE_CONTROL to the path of the daemon's control socket"
        raise AskFailed(f"cannot ask at {path} ({error.strerror or error}): {advice}") from error


def _next(readline: Callable[[], bytes]) -> bytes:
    """The next line, empty at the end."""
    try:
        line = readline()
    except TimeoutError as error:
        raise _too_slow() from error
    except OSError as error:
        raise _lost() from error
    if line and not line.endswith(b"\n"):
        raise _lost()
    return line


def _answer(line: bytes) -> Mapping[str, Any]:
    try:
        answer = json.loads(line)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise AskFailed("the answer is not evgate's: see which program listens at the control socket (`ss -xlp`)")
    if "error" in answer:
        raise AskFailed(str(answer["error"]))
    return answer


def _too_slow() -> AskFailed:
    advice = "look with `journalctl -u evgate`, restart it with `sudo systemctl restart evgate`"
    return AskFailed(f"evgate runs and does not answer: {advice}")


def _lost() -> AskFailed:
    return AskFailed(f"the connection to evgate broke in the middle of an answer: {_START}")
