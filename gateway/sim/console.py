"""Lines on standard output, until its reader goes away."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from gateway.sim.clock import utc_now
from gateway.sim.ledger import SENT, Direction


class Console:
    """Prints lines. Once standard output is closed (`| head`) it drops them; `on_closed` is told once."""

    def __init__(self, on_closed: Callable[[], None]) -> None:
        self._on_closed = on_closed
        self._open = True

    @property
    def is_terminal(self) -> bool:
        """Whether lines can be drawn over."""
        return sys.stdout.isatty()

    def write(self, text: str) -> None:
        """Print text as it is."""
        if not self._open:
            return
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except BrokenPipeError:
            self._open = False
            # The interpreter flushes once more at exit and would complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            self._on_closed()

    def line(self, text: str) -> None:
        """Print one line."""
        self.write(f"{text}\n")

    def frame(self, identity: str, direction: Direction, text: str) -> None:
        """Print one frame of a station: `->` was sent by this end, `<-` was received."""
        moment = utc_now().astimezone().strftime("%H:%M:%S.%f")[:-3]
        self.line(f"{moment} {identity} {'->' if direction is SENT else '<-'} {text}")
