"""Known deviations of chargers: the files beside this one say who has which, `corrections` what is done about it."""

from __future__ import annotations

from gateway.quirks.catalogue import Catalogue, KnownCorrections, Pattern, Quirk, Use
from gateway.quirks.corrections import NAMES, parameters_of
from gateway.quirks.versions import FirmwareRange, read_range

__all__ = [
    "NAMES",
    "Catalogue",
    "FirmwareRange",
    "KnownCorrections",
    "Pattern",
    "Quirk",
    "Use",
    "parameters_of",
    "read_range",
]
