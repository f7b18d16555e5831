"""A real mosquitto of the test's own, on a free port of 127.0.0.1, that can be killed and started again."""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.counts import PATIENCE_S

# Debian keeps servers out of an ordinary user's PATH.
MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")


class Broker:
    """`async with Broker() as broker`: listens on `broker.port`. Keeps nothing on disk unless `persistent`.

    `users` are names and passwords (none: everybody may come), `acl` is the text of an ACL file, `config` are further
    lines of the configuration, `tls` is a certificate and its key.
    """

    def __init__(
        self,
        *,
        users: Mapping[str, str] | None = None,
        acl: str | None = None,
        tls: tuple[Path, Path] | None = None,
        persistent: bool = False,
        config: str = "",
    ) -> None:
        self.port = _free_port()
        self.log: list[str] = []
        self._folder = Path(tempfile.mkdtemp(prefix="mosquitto-"))
        self._users = users
        self._acl = acl
        self._tls = tls
        self._persistent = persistent
        self._config = config
        self._lines = asyncio.Condition()
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        try:
            self._write_config()
            await self.start()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.kill()
        shutil.rmtree(self._folder)

    async def start(self) -> None:
        """Start it, and wait until it says that it runs."""
        assert MOSQUITTO is not None, "mosquitto is missing: apt install mosquitto"
        self._process = await asyncio.create_subprocess_exec(
            MOSQUITTO, "-c", str(self._folder / "mosquitto.conf"), stderr=asyncio.subprocess.PIPE
        )
        running = asyncio.get_running_loop().create_future()
        self._reader = asyncio.create_task(self._read(self._process, running))
        async with asyncio.timeout(PATIENCE_S):
            assert await running, f"mosquitto did not start: {self.log}"

    async def kill(self) -> None:
        """SIGKILL: whatever is not on its disk is gone. Does nothing to a dead one."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            await self._gone(process)

    async def stop(self) -> None:
        """SIGTERM: saves what it has, if it is persistent."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            await self._gone(process)

    async def restart(self) -> None:
        """SIGKILL and start again on the same port; clients find an empty broker, unless it is persistent."""
        await self.kill()
        await self.start()

    async def logged(self, text: str, times: int = 1) -> None:
        """Wait until so many lines of its log hold this text (`config="log_type all"` makes it talk)."""
        async with asyncio.timeout(PATIENCE_S), self._lines:
            await self._lines.wait_for(lambda: sum(text in line for line in self.log) >= times)

    async def _gone(self, process: asyncio.subprocess.Process) -> None:
        async with asyncio.timeout(PATIENCE_S):
            await process.wait()
            assert self._reader is not None
            await self._reader

    async def _read(self, process: asyncio.subprocess.Process, running: asyncio.Future[bool]) -> None:
        assert process.stderr is not None
        async for line in process.stderr:
            async with self._lines:
                self.log.append(line.decode(errors="replace").rstrip())
                self._lines.notify_all()
            if self.log[-1].endswith(" running") and not running.done():
                running.set_result(True)
        if not running.done():
            running.set_result(False)

    def _write_config(self) -> None:
        lines = [
            f"listener {self.port} 127.0.0.1",
            "user root",  # it would not read the test's files otherwise; ignored unless started by root
            "log_dest stderr",
            f"allow_anonymous {'false' if self._users else 'true'}",
            "set_tcp_nodelay true",
        ]
        if self._users:
            passwords = self._folder / "passwords"
            passwords.write_text("".join(f"{name}:{password}\n" for name, password in self._users.items()))
            subprocess.run(["mosquitto_passwd", "-U", str(passwords)], check=True, capture_output=True)
            lines.append(f"password_file {passwords}")
        if self._acl is not None:
            acl = self._folder / "acl"
            acl.write_text(self._acl)
            lines.append(f"acl_file {acl}")
        if self._tls is not None:
            lines += [f"certfile {self._tls[0]}", f"keyfile {self._tls[1]}"]
        if self._persistent:
            lines += ["persistence true", f"persistence_location {self._folder}/"]
        (self._folder / "mosquitto.conf").write_text("\n".join([*lines, self._config, ""]))


def _free_port() -> int:
    """Below the kernel's own choices: a client that dials such a port while nobody listens may connect to itself."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as sock, contextlib.suppress(OSError):
            sock.bind(("127.0.0.1", port))
            return port
