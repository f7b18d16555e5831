"""Quirks for tests."""

from __future__ import annotations

from typing import Final

from gateway.quirks import Catalogue, Quirk, Use

NO_QUIRKS: Final = Catalogue(())
QUIRKS: Final = Catalogue(
    Quirk(name.replace("_", "-"), "", "", (Use(name),))
    for name in ("never_trigger", "available_while_plugged", "occupied_as_in_1_5", "strip_nul", "text_as_numbers")
)
"""One quirk for each of these corrections, for tests that name it."""
