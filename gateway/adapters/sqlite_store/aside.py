"""A damaged database makes place for a fresh one. It is not deleted: somebody may repair it, or want it as evidence."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from gateway.runtime.ports import StoreRefused

MOST = 10
"""Databases that may stand aside. A card that spoils every new one needs replacing, not another 1,440 files a day."""

_SUFFIXES = ("", "-wal", "-shm", "-journal")

log = logging.getLogger(__name__)


class Damaged(Exception):
    """The database is evgate's, and SQLite cannot make sense of it; the message says what was found."""


def set_aside(path: Path, finding: str) -> Path:
    """Rename it together with its logs; returns its new path. Raises OSError, or StoreRefused if too many are there."""
    standing = [file for file in path.parent.glob("*.damaged-*") if file.name.startswith(f"{path.name}.damaged-")]
    if sum(not file.name.endswith(_SUFFIXES[1:]) for file in standing) >= MOST:
        raise StoreRefused(
            f"The store {path} is damaged again ({finding}), and {MOST} damaged ones stand beside it already. Look for "
            f"disk errors in `dmesg` and replace a failing card, then delete {path}.damaged-* and restart evgate."
        )
    aside = _free_name(path)
    # The database first: a log that is left behind by a power cut counts as damage at the next start, while a database
    # without its log would be opened as if nothing were missing.
    for suffix in _SUFFIXES:
        with suppress(FileNotFoundError):
            Path(f"{path}{suffix}").rename(f"{aside}{suffix}")
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    log.warning(
        "The store %s is damaged (%s). It was set aside as %s and a fresh one was begun: what stood in it is not known "
        "any more, and chargers are learnt anew as they connect. Look for disk errors in `dmesg` and replace a failing "
        "card; keep the file if you want to have it examined, else delete it.",
        path,
        finding,
        aside,
    )
    return aside


def _free_name(path: Path) -> Path:
    """Named after the time of its last change, which tells more than the time at which somebody looked."""
    files = (path, Path(f"{path}-wal"))
    changed = max(file.stat().st_mtime for file in files if file.exists())
    stamp = datetime.fromtimestamp(changed, UTC).strftime("%Y%m%dT%H%M%S")
    names = [f"{path}.damaged-{stamp}", *(f"{path}.damaged-{stamp}-{number}" for number in range(2, MOST + 2))]
    return next(Path(name) for name in names if not any(Path(f"{name}{suffix}").exists() for suffix in _SUFFIXES))
