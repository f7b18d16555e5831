"""The control socket: questions from operators on this machine in, the desk's answers out, as lines of JSON.

A conversation is one line, an object, from the client, and lines from here, one object each. An object with the key
`error` says what could not be done. Whoever closes its end has hung up, and nothing more is done for it.
"""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import os
import socket
import stat
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any, Final, cast

from gateway.runtime.ports import Desk

LOG = logging.getLogger(__name__)

CONVERSATIONS: Final = 16
"""Some people with their `log -f`, and a script or two. A loop that only ever connects costs no more than this."""

MAX_REQUEST_BYTES: Final = 65_536
"""The longest question names one identity of at most 255 characters, a few KB however it is escaped."""

REQUEST_TIMEOUT_S: Final = 5.0
"""Commands ask as soon as they are connected; who says nothing gives its place back."""

WRITE_TIMEOUT_S: Final = 300.0
"""For one line to be taken: somebody reads the log page by page in `less`. Who left it open gives its place back."""

LONGEST_PATH_BYTES: Final = 107
"""`sun_path` has 108 (unix(7)), the last is zero."""

MODE: Final = 0o660
"""The daemon's user, and its group: who may ask may also adopt a charger."""

_ADVICE: Final = {
    errno.ENOENT: "make its folder, or start evgate by systemd, which does",
    errno.ENOTDIR: "what should be its folder is a file: set EVGATE_CONTROL to another path",
    errno.EACCES: "let the user of the daemon write in its folder, or set EVGATE_CONTROL to another path",
    errno.EROFS: "set EVGATE_CONTROL to a path that can be written",
}


class ControlFailed(Exception):
    """The control socket could not be made; the message names it and ends with what to do next."""


class _HungUp(Exception):
    """The client is gone, or takes nothing."""


class ControlSocket:
    """Listens at `path` and brings what is asked to the desk."""

    def __init__(
        self,
        path: Path,
        desk: Desk,
        *,
        request_timeout_s: float = REQUEST_TIMEOUT_S,
        write_timeout_s: float = WRITE_TIMEOUT_S,
    ) -> None:
        self._path = path
        self._desk = desk
        self._request_timeout_s = request_timeout_s
        self._write_timeout_s = write_timeout_s
        self._server: asyncio.Server | None = None
        self._made: tuple[int, int] | None = None
        self._closed = False
        self._conversations: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Listen, or raise ControlFailed. What a crash left at the path is replaced; nothing else that is there."""
        sock = self._bind()
        self._server = await asyncio.start_unix_server(self._came, sock=sock, limit=MAX_REQUEST_BYTES)

    async def close(self) -> None:
        """End all conversations at once and remove the socket, if it is still this one. Safe to call twice."""
        self._closed = True
        # Before the listener lets go of it: its inode number cannot have been given to another file yet.
        self._remove()
        if self._server is None:
            return
        self._server.close()
        for conversation in self._conversations:
            conversation.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)
        await self._server.wait_closed()

    # The file

    def _bind(self) -> socket.socket:
        if len(os.fsencode(self._path)) > LONGEST_PATH_BYTES:
            why = f"longer than the {LONGEST_PATH_BYTES} bytes that a socket's path may have"
            raise self._failed(why, "set EVGATE_CONTROL to a shorter path")
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._clear_the_way()
            # The file is made with these bits less the umask, so that it is never more open than it should be, not
            # even between two calls; the umask itself is the whole process's, whose other threads make files too.
            os.fchmod(sock.fileno(), MODE)
            sock.bind(str(self._path))
            found = self._path.lstat()
            self._made = (found.st_dev, found.st_ino)
            self._path.chmod(MODE)
        except OSError as error:
            sock.close()
            self._remove()
            advice = _ADVICE.get(error.errno or 0, "set EVGATE_CONTROL to another path")
            raise self._failed(error.strerror or str(error), advice) from error
        except ControlFailed:
            sock.close()
            raise
        return sock

    def _clear_the_way(self) -> None:
        try:
            mode = self._path.lstat().st_mode
        except FileNotFoundError:
            return
        if not stat.S_ISSOCK(mode):
            raise self._failed("something else is there", "move it away, or set EVGATE_CONTROL to another path")
        if _is_alive(self._path):
            advice = "end the other one, or set EVGATE_CONTROL to another path for one of them"
            raise self._failed("another daemon answers there", advice)
        self._path.unlink(missing_ok=True)

    def _remove(self) -> None:
        with suppress(OSError):
            found = self._path.lstat()
            if (found.st_dev, found.st_ino) == self._made:
                self._path.unlink()

    def _failed(self, why: str, advice: str) -> ControlFailed:
        return ControlFailed(f"no control socket at {self._path} ({why}), `evgate status` cannot ask: {advice}")

    # Conversations

    def _came(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._closed:
            writer.transport.abort()
        elif len(self._conversations) >= CONVERSATIONS:
            text = f"{CONVERSATIONS} commands are asking already: end one of them (`pgrep -af evgate`), then try again"
            writer.write(_line({"error": text}))
            writer.close()
        else:
            conversation = asyncio.create_task(self._converse(reader, writer))
            self._conversations.add(conversation)
            conversation.add_done_callback(self._conversations.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Nothing waits in this process beyond the line that is being sent.
        writer.transport.set_write_buffer_limits(high=0)
        try:
            request = await self._request(reader)
            if isinstance(request, str):
                await self._say(writer, {"error": request})
            elif request is not None:
                await _unless_hung_up(reader, asyncio.create_task(self._answer(request, writer)))
        except _HungUp:
            pass
        finally:
            writer.transport.abort()

    async def _request(self, reader: asyncio.StreamReader) -> Mapping[str, Any] | str | None:
        """What is asked, a sentence about what is no question, or None from who hung up."""
        try:
            async with asyncio.timeout(self._request_timeout_s):
                line = await reader.readline()
        except TimeoutError:
            return f"no question within {self._request_timeout_s:g} s: send one line of JSON"
        except ConnectionError:
            return None
        except ValueError:
            return f"a question of more than {MAX_REQUEST_BYTES} bytes: send one that is shorter"
        if not line.endswith(b"\n"):
            return None
        try:
            request = json.loads(line.decode("utf-8"), parse_constant=_refuse)
        except (ValueError, RecursionError):
            return 'the question is not JSON: send one line like {"ask": "status"}'
        return request if isinstance(request, dict) else 'the question is no object: send one like {"ask": "status"}'

    async def _answer(self, request: Mapping[str, Any], writer: asyncio.StreamWriter) -> None:
        try:
            # The port promises what can be closed; only generators can.
            asked = cast("AsyncGenerator[Mapping[str, Any], None]", self._desk.ask(request))
            async with aclosing(asked) as answers:
                async for answer in answers:
                    await self._say(writer, answer)
                    # A long log does not keep chargers waiting.
                    await asyncio.sleep(0)
        except _HungUp:
            pass
        except Exception:  # a fault behind the desk is the question's end, not the daemon's
            LOG.exception("a question at the control socket could not be answered: please report this")
            with suppress(_HungUp):
                text = "internal error, the daemon goes on: look for it in `journalctl -u evgate` and report it"
                await self._say(writer, {"error": text})

    async def _say(self, writer: asyncio.StreamWriter, answer: Mapping[str, Any]) -> None:
        """Send one line; returns when the kernel has it. Raises _HungUp."""
        writer.write(_line(answer))
        try:
            async with asyncio.timeout(self._write_timeout_s):
                await writer.drain()
        except (ConnectionError, TimeoutError) as error:
            raise _HungUp from error


async def _unless_hung_up(reader: asyncio.StreamReader, answering: asyncio.Task[None]) -> None:
    """Let it end by itself, or with the client's end of the conversation."""
    listening = asyncio.create_task(_hang_up(reader))
    try:
        await asyncio.wait({answering, listening}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        answering.cancel()
        listening.cancel()
        await asyncio.gather(answering, listening, return_exceptions=True)


async def _hang_up(reader: asyncio.StreamReader) -> None:
    """Return when the client is gone. There is no second question, so what else it sends is dropped."""
    with suppress(ConnectionError):
        while await reader.read(MAX_REQUEST_BYTES):
            continue


def _line(answer: Mapping[str, Any]) -> bytes:
    return json.dumps(answer, allow_nan=False).encode("ascii") + b"\n"


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _is_alive(path: Path) -> bool:
    """Does somebody listen at this socket? Raises OSError where that cannot be told."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except BlockingIOError:
            # Its queue is full, so it has one.
            return True
        return True
