"""Which corrections a charger gets: quirks as they stand in files, found by what a charger says of itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from gateway.core.reports import BootReported
from gateway.core.traits import Trait
from gateway.quirks.corrections import PAYLOAD_CORRECTIONS, TEXT_REPAIRS, TRAITS
from gateway.quirks.shapes import Payload
from gateway.quirks.versions import FirmwareRange

Correct = Callable[[Payload], Payload]

LONGEST_REPAIRED = 32 * 1024
"""Characters of a text that repairs look at: they read it piece by piece, and broken messages are short."""


@dataclass(frozen=True, slots=True)
class Use:
    """A correction by its name, with the parameters it is told."""

    name: str
    parameters: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pattern:
    """Texts with `*` for anything and `?` for one character; upper and lower case are the same."""

    texts: tuple[str, ...]

    def fits(self, text: str | None) -> bool:
        """Is it like one of them? An absent text is like none."""
        return text is not None and any(re.fullmatch(_expression(own), text.strip()) for own in self.texts)


@dataclass(frozen=True, slots=True)
class Quirk:
    """A known deviation, where it was seen (`source`), which chargers have it, and what corrects it.

    Without a vendor or model, and not of every charger, it is applied only where the configuration names it.
    """

    name: str
    about: str
    source: str
    corrections: tuple[Use, ...]
    vendor: Pattern | None = None
    model: Pattern | None = None
    firmware: FirmwareRange | None = None
    every_charger: bool = False
    file: str = ""

    def fits(self, boot: BootReported | None) -> bool:
        """Does what a charger says of itself show that it has this quirk?"""
        if boot is None or (self.vendor is None and self.model is None):
            return False
        return (
            (self.vendor is None or self.vendor.fits(boot.vendor))
            and (self.model is None or self.model.fits(boot.model))
            and (self.firmware is None or self.firmware.holds(boot.firmware))
        )


@dataclass(frozen=True, slots=True)
class KnownCorrections:
    """The corrections that apply to one charger; keeps `core.ports.Corrections`."""

    quirks: tuple[str, ...]
    traits: frozenset[Trait]
    repairs: tuple[Callable[[str], str], ...]
    by_action: Mapping[str, tuple[tuple[str, Correct], ...]]

    def has(self, trait: Trait) -> bool:
        """Is the charger known for this way?"""
        return trait in self.traits

    def repaired(self, text: str) -> str | None:
        """A text that is no JSON, with what is known to spoil it taken away; None where nothing is known to."""
        if len(text) > LONGEST_REPAIRED:
            return None
        better = text
        for repair in self.repairs:
            better = repair(better)
        return None if better == text else better

    def corrected(self, action: str, payload: Mapping[str, Any]) -> tuple[Mapping[str, Any], tuple[str, ...]]:
        """The payload as the specification would have it, and the names of the corrections that changed it."""
        changed_by: tuple[str, ...] = ()
        for name, correct in self.by_action.get(action, ()):
            better = correct(payload)
            if better is not payload:
                payload = better
                changed_by = (*changed_by, name)
        return payload, changed_by


class Catalogue:
    """Every known quirk; of those with the same name the last counts. Keeps `core.ports.Quirks`."""

    def __init__(self, quirks: Iterable[Quirk] = ()) -> None:
        self._by_name = {quirk.name: quirk for quirk in quirks}

    @property
    def quirks(self) -> tuple[Quirk, ...]:
        """All of them."""
        return tuple(self._by_name.values())

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def of(self, boot: BootReported | None, named: tuple[str, ...]) -> KnownCorrections:
        """What applies to a charger that says this of itself, and for which the configuration names these quirks.

        A name that nobody knows is passed over: `evgate check` has said so. A quirk that corrects nothing is none.
        """
        every = [quirk for quirk in self.quirks if quirk.every_charger]
        own = [
            quirk
            for quirk in self.quirks
            if quirk.corrections and not quirk.every_charger and (quirk.fits(boot) or quirk.name in named)
        ]
        # What somebody named for this very charger wins over what fits many.
        chosen = sorted([*every, *own], key=lambda quirk: (not quirk.every_charger) + (quirk.name in named))
        return _known(tuple(quirk.name for quirk in own), chosen)


def _known(names: tuple[str, ...], quirks: Sequence[Quirk]) -> KnownCorrections:
    uses = {use.name: use for quirk in quirks for use in quirk.corrections}
    by_action: dict[str, tuple[tuple[str, Correct], ...]] = {}
    for name, correction in PAYLOAD_CORRECTIONS.items():
        if name not in uses:
            continue
        correct: Correct = partial(correction.correct, **uses[name].parameters)
        for action in correction.actions:
            by_action[action] = (*by_action.get(action, ()), (name, correct))
    return KnownCorrections(
        quirks=names,
        traits=frozenset(trait for name, trait in TRAITS.items() if name in uses),
        repairs=tuple(repair for name, repair in TEXT_REPAIRS.items() if name in uses),
        by_action=by_action,
    )


def _expression(pattern: str) -> str:
    parts = [{"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern]
    return f"(?is:{''.join(parts)})"
