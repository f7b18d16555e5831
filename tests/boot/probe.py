"""Run inside a machine: tries what the sandbox forbids, and prints how each try ended."""

from __future__ import annotations

import ctypes
import errno
import json
import mmap
import os
import socket
from collections.abc import Callable

LIBC = ctypes.CDLL(None, use_errno=True)

CLONE_NEWUTS = 0x04000000

TIMEX_BYTES = 1024
"""More than `struct timex` has on any machine; zeros ask and change nothing."""


def ending(attempt: Callable[[], object]) -> str:
    """`allowed`, or the name of the error."""
    try:
        attempt()
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return "allowed"


def write_with_mode(path: str, mode: int) -> None:
    """Make a file of this mode."""
    with open(path, "w"):
        os.chmod(path, mode)


def unshare() -> None:
    """Leave the namespace of the host name."""
    if LIBC.unshare(CLONE_NEWUTS) < 0:
        raise OSError(ctypes.get_errno(), "unshare")


def read_clock_state() -> None:
    """Ask the kernel how the clock is disciplined; ProtectClock= forbids even that."""
    if LIBC.adjtimex(ctypes.create_string_buffer(TIMEX_BYTES)) < 0:
        raise OSError(ctypes.get_errno(), "adjtimex")


ATTEMPTS: dict[str, Callable[[], object]] = {
    "device": lambda: os.open("/dev/probe", os.O_WRONLY),
    "clock": read_clock_state,
    "executable memory": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC),
    "other network family": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
    "folder of the system": lambda: write_with_mode("/opt/probe/file", 0o600),
    "somebody's home": lambda: os.listdir("/home/pi"),
    "set-user-id": lambda: write_with_mode("/tmp/probe-file", 0o4755),
    "namespace": unshare,
}

print(json.dumps({what: ending(attempt) for what, attempt in ATTEMPTS.items()}))
