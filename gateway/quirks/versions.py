"""Firmware versions: read out of what chargers write, and compared with ranges."""

from __future__ import annotations

import re
from dataclasses import dataclass

Version = tuple[int, ...]

_VERSION = re.compile(r"(?<![0-9A-Za-z.])[Vv]?([0-9]{1,9}(?:\.[0-9]{1,9})+)(?![0-9])")
"""Two numbers or more with dots between them; a V may touch them, other letters may not."""

_BARE = re.compile(r"\s*[Vv]?([0-9]{1,9})\s*")

_BOUND = re.compile(r"(>=|<=|<|>|=)([0-9]{1,9}(?:\.[0-9]{1,9})*)")


def read_version(firmware: str | None) -> Version | None:
    """The first version in the text, such as 1.8.21 in `TAC3Z91::V1.8.21`; None where there is none."""
    if firmware is None:
        return None
    found = _VERSION.search(firmware) or _BARE.fullmatch(firmware)
    return _numbers(found[1]) if found else None


@dataclass(frozen=True, slots=True)
class FirmwareRange:
    """Bounds that a version must keep, all of them."""

    bounds: tuple[tuple[str, Version], ...]

    def holds(self, firmware: str | None) -> bool:
        """Is this firmware in the range? One that cannot be read is in none."""
        version = read_version(firmware)
        return version is not None and all(_keeps(version, relation, bound) for relation, bound in self.bounds)


def read_range(text: str) -> FirmwareRange | None:
    """`>=1.0 <1.8.21`; None where it is written in another way."""
    found = [_BOUND.fullmatch(part) for part in re.split(r"[ ,]+", text)]
    bounds = tuple((match[1], _numbers(match[2])) for match in found if match)
    return FirmwareRange(bounds) if len(bounds) == len(found) else None


def _numbers(text: str) -> Version:
    """Without zeros at the end: 1.8 and 1.8.0 are the same."""
    numbers = [int(part) for part in text.split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _keeps(version: Version, relation: str, bound: Version) -> bool:
    match relation:
        case ">=":
            return version >= bound
        case "<=":
            return version <= bound
        case ">":
            return version > bound
        case "<":
            return version < bound
        case _:
            return version == bound
