"""A booted Debian in systemd-nspawn: its own init, network (loopback only) and disk, gone when it is left.

What is forbidden inside is only forbidden in earnest with nspawn's own system call filter off and all capabilities
kept: with it, DeviceAllow= and the clock's protection are parsed, scored, and without effect.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import shlex
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

BOOT_WITHIN_S = 60.0
"""A second where the disk is warm; a loaded CI machine has needed 20."""

HALT_WITHIN_S = 30.0

COMMAND_WITHIN_S = 120.0
"""For a command inside; apt with all of Python to unpack is the longest of them."""

POWER_OFF = signal.SIGRTMIN + 4
"""What systemd as init takes for `poweroff` (systemd(1), signals)."""


class CommandFailed(AssertionError):
    """A command in the machine ended with another status than 0; the message holds all of its output."""


class Machine:
    """A running machine; `boot` makes one."""

    def __init__(self, init: int) -> None:
        self._init = init

    def enter(self, *command: str, namespaces: Sequence[str] = ("--all",)) -> list[str]:
        """The command line that runs a command inside."""
        return ["nsenter", "--target", str(self._init), *namespaces, "--", *command]

    def try_run(self, command: str, *, given: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a shell command as root; its end whatever it is, standard error within the output."""
        return subprocess.run(
            self.enter("env", "-i", "-C", "/root", *ENVIRONMENT, "bash", "-euo", "pipefail", "-c", command),
            input="" if given is None else given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=COMMAND_WITHIN_S,
        )

    def run(self, command: str, *, given: str | None = None) -> str:
        """Run a shell command as root, which must end with status 0; returns its output."""
        result = self.try_run(command, given=given)
        if result.returncode != 0:
            raise CommandFailed(f"{command}\nended with {result.returncode}:\n{result.stdout}")
        return result.stdout.strip()

    def fails(self, command: str) -> str:
        """Run a shell command that must not end with status 0; returns its output."""
        result = self.try_run(command)
        assert result.returncode != 0, f"{command}\nended with 0:\n{result.stdout}"
        return result.stdout.strip()

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file, its folder is made."""
        quoted = shlex.quote(path)
        self.run(f"install -D -m {mode:o} /dev/stdin {quoted}", given=text)

    def copy_in(self, file: Path, path: str) -> None:
        """Copy a file of this machine into that one."""
        with file.open("rb") as source:
            subprocess.run(self.enter("install", "-D", "-m", "644", "/dev/stdin", path), stdin=source, check=True)

    @contextlib.contextmanager
    def running(self, unit: str, command: str) -> Iterator[None]:
        """Something in the background, as a unit of that name."""
        self.run(f"systemd-run --quiet --collect --unit={unit} {command}")
        try:
            yield
        finally:
            self.run(f"systemctl stop {unit}")

    @contextlib.contextmanager
    def lines(self, command: str, within_s: float) -> Iterator[Iterator[str]]:
        """What a command prints, line by line, for so many seconds at most; it is ended with the block."""
        process = subprocess.Popen(
            self.enter("timeout", str(within_s), "env", *ENVIRONMENT, "bash", "-c", f"exec {command}"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        assert process.stdout is not None
        try:
            yield (line.rstrip("\n") for line in process.stdout)
        finally:
            process.terminate()  # `timeout` passes it on
            process.stdout.close()
            process.wait()

    def wait_for(self, text: str, command: str, within_s: float) -> str:
        """The first line of a command's output that holds a text, or AssertionError with all that came."""
        seen = []
        with self.lines(command, within_s) as lines:
            for line in lines:
                if text in line:
                    return line
                seen.append(line)
        shown = "\n".join(seen[-30:])
        raise AssertionError(f"{text!r} did not come within {within_s:g} s from: {command}\n{shown}")


ENVIRONMENT = (
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG=C.UTF-8",
    "HOME=/root",
    "DEBIAN_FRONTEND=noninteractive",
)


@contextlib.contextmanager
def boot(root: Path) -> Iterator[Machine]:
    """Start a machine on an unchanged `root`, hand it out once it has booted; whatever it wrote is lost at the end."""
    with tempfile.TemporaryDirectory(prefix="evgate-boot-") as folder:
        name = Path(folder).name.replace("_", "-")
        with _cgroup(name) as cgroup, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
            told.bind(f"{folder}/notify")
            console = Path(folder, "console")
            process = _start(_nspawn(root, name), cgroup, f"{folder}/notify", console)
            try:
                _wait_booted(told, process, console)
                # More is told all the time; where nobody takes it, the machine's init would wait for us to do so.
                told.close()
                init = _init(cgroup)
                yield Machine(init)
                os.kill(init, POWER_OFF)
                process.wait(HALT_WITHIN_S)
            finally:
                # Not needed after a power-off. Everything inside dies with it.
                process.kill()
                process.wait()


def _start(command: list[str], cgroup: Path, notify: str, console: Path) -> subprocess.Popen[bytes]:
    with console.open("wb") as output:
        return subprocess.Popen(
            ["sh", "-c", f'echo 0 > {cgroup}/cgroup.procs && exec "$@"', "sh", *command],
            env={
                **os.environ,
                "NOTIFY_SOCKET": notify,
                "SYSTEMD_SECCOMP": "0",
                "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is ours to deal with
        )


def _nspawn(root: Path, name: str) -> list[str]:
    return [
        # Should these tests be killed, so is the machine: it is a process tree of its own, and goes with its first.
        *("setpriv", "--pdeathsig", "KILL", "unshare", "--fork", "--pid", "--mount-proc", "--kill-child=KILL"),
        *("systemd-nspawn", "--quiet", "--boot", f"--directory={root}", "--volatile=overlay", f"--machine={name}"),
        *("--private-network", "--capability=all", "--console=pipe", "--notify-ready=yes"),
        # There may be no systemd here that could be asked for anything.
        *("--register=no", "--keep-unit", "--link-journal=no", "--resolv-conf=off", "--timezone=off"),
    ]


def _wait_booted(told: socket.socket, process: subprocess.Popen[bytes], console: Path) -> None:
    """Until the machine's init says that booting is done."""
    told.settimeout(1.0)
    end = time.monotonic() + BOOT_WITHIN_S
    while process.poll() is None and time.monotonic() < end:
        with contextlib.suppress(TimeoutError):
            if "READY=1" in told.recv(4096).decode().splitlines():
                return
    shown = console.read_text(errors="replace")[-3000:]
    raise AssertionError(f"the machine did not boot within {BOOT_WITHIN_S:g} s:\n{shown}")


def _init(cgroup: Path) -> int:
    """The process that is number 1 inside, by its number out here."""
    for pid in (cgroup / "payload" / "init.scope" / "cgroup.procs").read_text().split():
        numbers = re.search(r"^NSpid:\s+(.+)$", Path("/proc", pid, "status").read_text(), re.MULTILINE)
        if numbers is not None and numbers[1].split()[-1] == "1":
            return int(pid)
    raise AssertionError("the machine has no init")


@contextlib.contextmanager
def _cgroup(name: str) -> Iterator[Path]:
    """A control group of the machine's own: without one, nspawn uses the one of whoever calls it."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    unified = [Path(where) for _, where, kind, *_ in mounts if kind == "cgroup2"]
    assert unified, "no cgroup2 is mounted on this machine: mkdir /sys/fs/cgroup/unified and mount it there"
    group = unified[0] / name
    group.mkdir()
    try:
        yield group
    finally:
        _wait_empty(group)
        # Where the older hierarchies are mounted as well, nspawn makes a group in that of systemd, too.
        for _, where, kind, *_ in mounts:
            if kind in ("cgroup", "cgroup2"):
                _remove_tree(Path(where, name))
        # Where /run is no file system of its own, nspawn leaves this behind.
        with contextlib.suppress(FileNotFoundError):
            Path("/run/systemd/nspawn/propagate", name).rmdir()


def _wait_empty(group: Path) -> None:
    """Until no process is left in it; those that are there are killed."""
    (group / "cgroup.kill").write_text("1")
    with (group / "cgroup.events").open() as events:
        changes = select.poll()
        changes.register(events, select.POLLPRI)
        while "populated 1" in events.read():
            assert changes.poll(HALT_WITHIN_S * 1000), f"processes in {group} do not die"
            events.seek(0)


def _remove_tree(group: Path) -> None:
    """Remove a control group and those below; its files go by themselves."""
    if group.is_dir():
        for below in group.iterdir():
            _remove_tree(below)
        group.rmdir()
