"""Standard output and standard error of the commands."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable

from gateway.commands.reading import shown


def say(lines: Iterable[str]) -> None:
    """Print lines, now. Raises BrokenPipeError once nobody reads them (`| head`)."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def complain(text: str) -> None:
    """Print one sentence on standard error."""
    sys.stderr.write(f"{shown(text)}\n")


def any_encoding() -> None:
    """Let a console of another encoding than UTF-8 show what it can, and the rest escaped."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def nobody_reads() -> None:
    """Drop what still waits for standard output: the interpreter flushes once more at its end, and would complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
