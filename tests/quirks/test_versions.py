"""Firmware: which version is read in what chargers write, and which range holds it."""

from __future__ import annotations

import pytest

from gateway.quirks import read_range
from gateway.quirks.versions import read_version


@pytest.mark.parametrize(
    ("firmware", "version"),
    [
        ("4.15.7-4054", (4, 15, 7)),
        ("TAC3Z9119006710273::V1.8.21", (1, 8, 21)),
        ("v3.118.0-1.0.130.0", (3, 118)),
        ("V 1.15", (1, 15)),
        ("055.5", (55, 5)),
        ("1.8.0", (1, 8)),
        (" V7 ", (7,)),
        ("0", (0,)),
        ("OCPP1.6", None),
        ("master_2024", None),
        ("1234567890.1", None),
        ("", None),
        (None, None),
    ],
)
def test_versions(firmware: str | None, version: tuple[int, ...] | None) -> None:
    assert read_version(firmware) == version


@pytest.mark.parametrize(
    ("bounds", "inside", "outside"),
    [
        (">=1.0 <1.8.21", ["1", "1.0.0", "1.8.20", "1.8.20.9"], ["0.9", "1.8.21", "1.10", "2"]),
        ("<=1.8.21", ["1.8.21", "1.8.21.0", "1.8.3"], ["1.8.22", "1.8.21.1"]),
        (">5,<7.0", ["5.1", "6.9"], ["5", "5.0", "7"]),
        ("=4.2.2", ["4.2.2"], ["4.2", "4.2.3"]),
    ],
)
def test_ranges(bounds: str, inside: list[str], outside: list[str]) -> None:
    found = read_range(bounds)
    assert found is not None
    assert [version for version in [*inside, *outside] if found.holds(version)] == inside


def test_firmware_that_cannot_be_read_is_in_no_range() -> None:
    found = read_range(">=0")
    assert found is not None
    assert not found.holds("unknown")
    assert not found.holds(None)


@pytest.mark.parametrize("text", ["", "1.0", ">=", ">=1.x", ">= 1.0", "~1.0", ">=1.0 and <2", ">=1.0 ", "<1..2"])
def test_what_is_no_range(text: str) -> None:
    assert read_range(text) is None
