"""The unit files as they are shipped."""

from __future__ import annotations

from tests.counts import ROOT


def lines_of(unit: str) -> list[str]:
    """The unit's lines, comments and all."""
    return (ROOT / "systemd" / unit).read_text("utf-8").splitlines()


def values(unit: str, directive: str) -> list[str]:
    """Every value that the unit gives a directive, in order."""
    return [line.partition("=")[2] for line in lines_of(unit) if line.startswith(f"{directive}=")]


def value(unit: str, directive: str) -> str:
    """The value of a directive that stands there once."""
    (only,) = values(unit, directive)
    return only
