"""Which quirks a charger has, and what is applied then."""

from __future__ import annotations

import pytest

from gateway.core.ports import Corrections, Quirks
from gateway.core.reports import BootReported
from gateway.core.traits import Trait
from gateway.quirks import Catalogue, Pattern, Quirk, Use, read_range
from gateway.quirks.catalogue import LONGEST_REPAIRED

ACME = BootReported("Acme Ltd.", "Wall-7", firmware="V1.4.2")


def quirk(name: str, *corrections: str | Use, vendor: str = "", model: str = "", firmware: str = "") -> Quirk:
    return Quirk(
        name,
        about="",
        source="",
        corrections=tuple(use if isinstance(use, Use) else Use(use) for use in corrections),
        vendor=Pattern((vendor,)) if vendor else None,
        model=Pattern((model,)) if model else None,
        firmware=read_range(firmware) if firmware else None,
    )


def every(name: str, *corrections: str) -> Quirk:
    return Quirk(name, "", "", tuple(map(Use, corrections)), every_charger=True)


def test_it_is_what_the_core_asks_for() -> None:
    quirks: Quirks = Catalogue()
    corrections: Corrections = quirks.of(None, ())
    payload = {"info": ""}
    assert corrections.quirks == ()
    assert not corrections.has(Trait.NEVER_TRIGGER)
    assert corrections.repaired("[\x00]") is None
    assert corrections.corrected("StatusNotification", payload) == (payload, ())


@pytest.mark.parametrize(
    ("known", "has_it"),
    [
        (quirk("q", "never_trigger", vendor="acme*"), True),
        (quirk("q", "never_trigger", vendor="ACME LTD."), True),
        (quirk("q", "never_trigger", vendor="Acme"), False),
        (quirk("q", "never_trigger", vendor="*ltd?"), True),
        (quirk("q", "never_trigger", vendor="Acme Ltd?", model="Wall-?"), True),
        (quirk("q", "never_trigger", vendor="Acme*", model="Wall-8"), False),
        (quirk("q", "never_trigger", model="wall*"), True),
        (quirk("q", "never_trigger", vendor="Acme*", firmware=">=1.4 <1.5"), True),
        (quirk("q", "never_trigger", vendor="Acme*", firmware=">=1.5"), False),
        (quirk("q", "never_trigger"), False),
        (every("q", "never_trigger"), False),
    ],
)
def test_who_has_a_quirk(known: Quirk, has_it: bool) -> None:
    corrections = Catalogue([known]).of(ACME, ())
    assert corrections.quirks == (("q",) if has_it else ())
    assert corrections.has(Trait.NEVER_TRIGGER) is (has_it or known.every_charger)


@pytest.mark.parametrize(
    "boot",
    [None, BootReported(None, None), BootReported("", ""), BootReported("Acme", None, firmware="unknown")],
)
def test_a_charger_that_says_nothing_of_itself_has_what_every_charger_has(boot: BootReported | None) -> None:
    known = [
        quirk("matched", "never_trigger", vendor="Acme*", firmware=">=1"),
        quirk("of-model", "occupied_as_in_1_5", model="*"),
        every("all", "strip_nul"),
    ]
    corrections = Catalogue(known).of(boot, ())
    assert corrections.repaired("[\x00]") == "[]"
    assert not corrections.has(Trait.NEVER_TRIGGER)
    assert corrections.quirks == (("of-model",) if boot and boot.model is not None else ())


def test_a_pattern_is_no_regular_expression() -> None:
    assert Pattern(("a.c (x)",)).fits("A.C (X)")
    assert not Pattern(("a.c",)).fits("abc")
    assert Pattern(("a*",)).fits(" a\nb ")


def test_a_quirk_that_is_named_needs_no_sign() -> None:
    catalogue = Catalogue([quirk("q", "never_trigger"), quirk("other", "strip_nul", vendor="Nobody")])
    corrections = catalogue.of(None, ("q", "nobody-knows-this"))
    assert corrections.quirks == ("q",)
    assert corrections.has(Trait.NEVER_TRIGGER)
    assert corrections.repaired("\x00") is None


def test_of_two_with_one_name_the_last_counts() -> None:
    catalogue = Catalogue([quirk("q", "never_trigger", vendor="*"), quirk("q", "strip_nul", vendor="*")])
    assert [known.corrections for known in catalogue.quirks] == [(Use("strip_nul"),)]
    assert "q" in catalogue
    assert "p" not in catalogue
    assert not catalogue.of(ACME, ()).has(Trait.NEVER_TRIGGER)


def test_one_without_corrections_is_switched_off() -> None:
    assert Catalogue([quirk("q", vendor="*")]).of(ACME, ("q",)).quirks == ()


def test_corrections_are_applied_in_their_own_order_and_only_to_their_actions() -> None:
    known = [quirk("late", "kwh_labelled_wh", vendor="*"), quirk("early", "object_as_list", vendor="*")]
    corrections = Catalogue(known).of(ACME, ())
    payload = {"meterValue": {"sampledValue": {"value": "3"}}}
    better = {"meterValue": [{"sampledValue": [{"value": "3", "unit": "kWh"}]}]}
    assert corrections.corrected("MeterValues", payload) == (better, ("object_as_list", "kwh_labelled_wh"))
    assert corrections.corrected("DataTransfer", payload)[0] is payload


def test_repairs_are_applied_together() -> None:
    corrections = Catalogue([every("a", "missing_value"), every("b", "strip_nul", "stray_commas")]).of(None, ())
    assert corrections.repaired('[2,"1","S",{"a":\x00,"b":[,1]}]') == '[2,"1","S",{"a":null,"b":[1]}]'
    assert corrections.repaired('[2,"1","S",{"a":1') is None


def test_a_flood_is_not_looked_through() -> None:
    corrections = Catalogue([every("a", "strip_nul")]).of(None, ())
    assert corrections.repaired("\x00" * LONGEST_REPAIRED) == ""
    assert corrections.repaired("\x00" * (LONGEST_REPAIRED + 1)) is None


def test_what_is_named_for_a_charger_wins_over_what_fits_many() -> None:
    catalogue = Catalogue(
        [
            quirk("own", Use("local_time", {"offset_minutes": 60})),
            quirk("of-vendor", Use("local_time", {"offset_minutes": 0}), "zoneless_time", vendor="*"),
        ]
    )
    payload = {"timestamp": "2026-11-21T12:00:00"}
    corrected = catalogue.of(ACME, ("own",)).corrected("StatusNotification", payload)
    assert corrected == ({"timestamp": "2026-11-21T12:00:00+01:00"}, ("local_time",))
