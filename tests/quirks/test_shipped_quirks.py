"""The quirks that come with evgate: complete, and each found for the chargers that it was seen at."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from gateway.core.reports import BootReported
from gateway.core.traits import Trait
from gateway.quirks import NAMES, Catalogue, KnownCorrections, Quirk
from gateway.settings.quirk_files import shipped

QUIRKS, PROBLEMS = shipped()
CATALOGUE = Catalogue(QUIRKS)

# What chargers say of themselves (vendor, model, firmware), and the quirks they have then.
CHARGERS = [
    (
        ("ABB", "CDT_TACW11::NET_WIFI", "TAC3Z9119006710273::V1.8.21"),
        {"abb-terra-reboots-when-asked", "abb-null-as-text"},
    ),
    (("ABB", "CDT_TACW11::NET_WIFI", "TAC3Z9119006710273::V1.8.32"), {"abb-null-as-text"}),
    (
        ("Alfen BV", "NG910-60023", "4.15.7-4054"),
        {"alfen-reboots-when-asked", "alfen-huge-transaction-id", "alfen-backlog-with-foreign-context"},
    ),
    (("Alfen BV", "NG910-60023", "6.1.0-4160"), {"alfen-reboots-when-asked", "alfen-backlog-with-foreign-context"}),
    (("FoxESS", "A7300S1-E-2", "1.15"), {"foxess-available-while-plugged"}),
    (("Fox ESS", "A011KP1-E-2", None), {"foxess-available-while-plugged"}),
    (("United Chargers", "GRS-*", "05.43"), {"grizzl-e-cut-off-answers"}),
    (("Injet", "Sonic", None), {"injet-phase-n-only"}),
    (("Legrand", "GreenUp", None), {"legrand-foreign-error-code"}),
    (("OpenEVSE", "Advanced Series", "4.2.2"), {"openevse-kwh-as-wh"}),
    (("OpenEVSE", "Advanced Series", "5.0.0"), set()),
    (("StarCharge", "Artemis", None), {"starcharge-reconnects-when-asked"}),
    (("Growatt", "THOR 11AS-P", None), {"growatt-time-without-zone"}),
    (("go-e", "go-eCharger_V4", "055.5"), {"go-e-transaction-id-minus-one"}),
    (("Hager", "Witty park", "1.0.0.0"), {"hager-transaction-id-minus-one"}),
    (("Keba AG", "KC-P30", "1.9.0"), {"keba-transaction-id-minus-one"}),
    (("Etrel", "INCH", None), set()),
    (("Vestel", "EVC04", "v3.118.0-1.0.130.0"), {"vestel-empty-readings"}),
    (("sonnen", "Home Charger 2", None), {"sonnen-empty-values"}),
    (("Wall Box Chargers", "PLP1-0-2-4", "6.7.38"), {"wallbox-empty-text"}),
    (("", "ACChargePoint", None), set()),
    (("Easee", "Home", "314"), set()),
]


def corrections_of(boot: tuple[str | None, str | None, str | None], *named: str) -> KnownCorrections:
    vendor, model, firmware = boot
    return CATALOGUE.of(BootReported(vendor, model, firmware=firmware), named)


def test_the_files_are_right() -> None:
    assert PROBLEMS == ()
    assert len(QUIRKS) >= 15
    assert [name for name, count in Counter(quirk.name for quirk in QUIRKS).items() if count > 1] == []


@pytest.mark.parametrize("quirk", QUIRKS, ids=lambda quirk: quirk.name)
def test_each_says_what_where_and_whose(quirk: Quirk) -> None:
    assert quirk.about.endswith(".")
    assert quirk.source
    assert quirk.corrections
    assert quirk.file == ""


def test_every_correction_is_of_use_to_somebody() -> None:
    assert {use.name for quirk in QUIRKS for use in quirk.corrections} == set(NAMES)


@pytest.mark.parametrize(("boot", "names"), CHARGERS)
def test_whose_they_are(boot: tuple[str, str, str | None], names: set[str]) -> None:
    assert set(corrections_of(boot).quirks) == names


def test_every_quirk_is_found_for_some_charger_or_has_to_be_named() -> None:
    found = {name for _, names in CHARGERS for name in names}
    by_name = {quirk.name for quirk in QUIRKS if quirk.vendor is None and quirk.model is None}
    assert found | by_name == {quirk.name for quirk in QUIRKS}
    assert {quirk.name for quirk in QUIRKS if not quirk.every_charger} & by_name == {
        "local-time-utc-plus-1",
        "local-time-utc-plus-2",
        "local-time-as-utc-plus-1",
        "local-time-as-utc-plus-2",
    }


def test_a_charger_that_nobody_knows_is_read_with_what_is_safe_for_all() -> None:
    corrections = CATALOGUE.of(None, ())
    assert corrections.quirks == ()
    assert corrections.has(Trait.OCCUPIED_AS_IN_1_5)
    assert not corrections.has(Trait.NEVER_TRIGGER)
    assert corrections.corrected("MeterValues", {"connectorId": "1", "meterValue": {"sampledValue": {"value": 5}}}) == (
        {"connectorId": 1, "meterValue": [{"sampledValue": [{"value": "5"}]}]},
        ("object_as_list", "text_as_numbers", "numbers_as_text"),
    )


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ('[2,"1","Heartbeat\x00",{}]\x00', [2, "1", "Heartbeat", {}]),
        ('[2,"1","MeterValues",{"meterValue":[,{}]}]', [2, "1", "MeterValues", {"meterValue": [{}]}]),
        ('[2,"1","StopTransaction",{"transactionId":}]', [2, "1", "StopTransaction", {"transactionId": None}]),
    ],
)
def test_frames_of_any_charger_that_are_no_json(text: str, read: list[Any]) -> None:
    repaired = CATALOGUE.of(None, ()).repaired(text)
    assert repaired is not None
    assert json.loads(repaired) == read


def test_frames_that_were_cut_off_are_read_only_of_those_that_do_that() -> None:
    text = '[3,"7",{"configurationKey":[{"key":"A","readonly":true,"value":"x"},{"key":"Hea'
    assert CATALOGUE.of(None, ()).repaired(text) is None
    assert corrections_of(("United Chargers", "GRS-1", "05.43")).repaired(text) == (
        '[3,"7",{"configurationKey":[{"key":"A","readonly":true,"value":"x"}]}]'
    )


def test_a_charger_in_local_time() -> None:
    payload = {"timestamp": "2023-10-19T15:28:07"}
    growatt = ("Growatt", "THOR", None)
    assert corrections_of(growatt).corrected("StartTransaction", payload)[0] == {"timestamp": "2023-10-19T15:28:07Z"}
    assert corrections_of(growatt, "local-time-utc-plus-2").corrected("StartTransaction", payload) == (
        {"timestamp": "2023-10-19T15:28:07+02:00"},
        ("local_time",),
    )
