"""A child process of the demo, its output in a file."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from gateway.sim.ledger import Bell

# The daemon promises to end within 5 s of SIGTERM; one more before it is killed.
STOP_TIMEOUT_S = 6.0
# One log line may hold a whole OCPP frame.
_LINE_LIMIT = 4 * 2**20


class ChildFailed(Exception):
    """A child process did not start, ended early or did not come up in time."""


class Child:
    """One process in a session of its own, so that Ctrl-C reaches the demo only, which then ends it."""

    def __init__(self, name: str, command: Sequence[str], log: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self.log = log
        self._command = command
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None
        self._pump_task: asyncio.Task[None] | None = None
        self._bell = Bell()
        self._lines: list[str] = []

    async def start(self) -> None:
        """Start it; ChildFailed when it cannot be executed."""
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env=dict(self._environment),
                start_new_session=True,
                limit=_LINE_LIMIT,
            )
        except OSError as error:
            raise ChildFailed(f"{self.name} cannot be started: {error}") from error
        self._pump_task = asyncio.create_task(self._pump(self._process), name=f"output of {self.name}")

    @property
    def running(self) -> bool:
        """Whether the process is alive and its output open."""
        return self._pump_task is not None and not self._pump_task.done()

    @property
    def exit_status(self) -> int | None:
        """Exit status once it has ended; a signal's number, negative, when it was killed."""
        return None if self._process is None else self._process.returncode

    async def wait_line(self, prefix: str, timeout_s: float) -> str:
        """Wait for an output line that starts like this; ChildFailed when the process ends or is too slow."""

        def found() -> str | None:
            return next((line for line in self._lines if line.startswith(prefix)), None)

        try:
            await self._bell.wait_until(
                lambda: found() is not None or not self.running, timeout_s, f"{prefix} of {self.name}"
            )
        except TimeoutError as error:
            raise ChildFailed(str(error)) from error
        line = found()
        if line is None:
            raise ChildFailed(f"{self.name} ended {self._how()} before it was ready")
        return line

    async def wait_exit(self) -> str:
        """Wait for the end of the process; returns a sentence on how it ended."""
        assert self._pump_task is not None
        await asyncio.shield(self._pump_task)
        return f"{self.name} ended {self._how()}"

    async def stop(self) -> None:
        """SIGTERM, then SIGKILL if that does not help in time; nothing when it has ended or never began."""
        if self._process is None or self._pump_task is None:
            return
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await asyncio.shield(self._pump_task)
        except TimeoutError:
            self._signal(signal.SIGKILL)
            await self._pump_task

    def tail(self, count: int = 20) -> str:
        """The last lines of its output."""
        return "\n".join(self._lines[-count:])

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    def _how(self) -> str:
        status = self.exit_status
        if status is None or status >= 0:
            return f"with exit status {status}"
        return f"by {signal.Signals(-status).name}"

    async def _pump(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        with self.log.open("ab") as file:
            try:
                while data := await process.stdout.readline():
                    file.write(data)
                    file.flush()
                    self._lines.append(data.decode("utf-8", "replace").rstrip())
                    # The file keeps everything; memory keeps what may have to be shown.
                    del self._lines[:-1000]
                    self._bell.ring()
            finally:
                await process.wait()
        asyncio.get_running_loop().call_soon(self._bell.ring)


def clean_environment() -> dict[str, str]:
    """This process's environment without what would configure a child behind the demo's back."""
    foreign = ("EVGATE_", "LISTEN_", "NOTIFY_SOCKET", "JOURNAL_STREAM", "WATCHDOG_", "CREDENTIALS_DIRECTORY")
    return {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
