"""Every correction of payloads: what a charger sends, and what is made of it. None: nothing is wrong with it."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.quirks.corrections import NAMES, PAYLOAD_CORRECTIONS, TEXT_REPAIRS, TRAITS, parameters_of

Case = tuple[str, dict[str, Any], dict[str, Any] | None]


def meter(*samples: Any, **members: Any) -> dict[str, Any]:
    """MeterValues of connector 1 with one meter value."""
    return {
        "connectorId": 1,
        "meterValue": [{"timestamp": "2026-11-21T12:00:00Z", "sampledValue": list(samples)}],
        **members,
    }


def sample(value: Any = "1", **members: Any) -> dict[str, Any]:
    return {"value": value, **members}


SIGNED = sample(1, format="SignedData", unit="Wh", context="foreign", phase="N")
OF_2_X = {"evseId": 1, "meterValue": [{"timestamp": "2026-11-21T12:00:00", "sampledValue": [sample(1.5, phase="N")]}]}

SHAPES: list[Case] = [
    ("object_as_list", {"meterValue": {"sampledValue": [sample()]}}, {"meterValue": [{"sampledValue": [sample()]}]}),
    ("object_as_list", {"meterValue": [{"sampledValue": sample()}]}, {"meterValue": [{"sampledValue": [sample()]}]}),
    (
        "object_as_list",
        {"transactionId": 3, "transactionData": {"sampledValue": sample()}},
        {"transactionId": 3, "transactionData": [{"sampledValue": [sample()]}]},
    ),
    ("object_as_list", meter(sample()), None),
    ("object_as_list", {"meterValue": "none"}, None),
    ("object_as_list", {"meterValue": ["none", None, 3]}, None),
]

NUMBERS: list[Case] = [
    (
        "text_as_numbers",
        {"connectorId": "1", "transactionId": " 17.0 ", "meterStart": "-5", "meterStop": "+7", "idTag": "12"},
        {"connectorId": 1, "transactionId": 17, "meterStart": -5, "meterStop": 7, "idTag": "12"},
    ),
    ("text_as_numbers", {"transactionId": "9223372036854775807"}, {"transactionId": 2**63 - 1}),
    ("text_as_numbers", {"connectorId": 1, "meterStart": "12.5", "transactionId": "abc", "meterStop": "1" * 20}, None),
    ("text_as_numbers", {"connectorId": "\u0661"}, None),
    (
        "numbers_as_text",
        {"connectorId": 1, "idTag": 4711, "info": 2.5},
        {"connectorId": 1, "idTag": "4711", "info": "2.5"},
    ),
    ("numbers_as_text", meter(sample(12), sample(0.1), sample("x")), meter(sample("12"), sample("0.1"), sample("x"))),
    ("numbers_as_text", meter(sample(float("inf")), sample(True), sample(None), sample(10**100)), None),
    ("numbers_as_text", meter(SIGNED), None),
    ("numbers_as_text", OF_2_X, None),
    ("registers_in_kwh", {"meterStart": 361}, {"meterStart": 361_000}),
    ("registers_in_kwh", {"meterStop": 12.345}, {"meterStop": 12_345}),
    ("registers_in_kwh", {"meterStart": 0, "meterStop": 10**10}, None),
    ("registers_in_kwh", {"meterStart": "361", "meterStop": True}, None),
]

WORDS: list[Case] = [
    ("null_as_absent", {"status": "Preparing", "info": "null", "vendorId": " NULL "}, {"status": "Preparing"}),
    ("null_as_absent", {"info": "nullified", "vendorId": None}, None),
    ("empty_as_absent", {"status": "Preparing", "info": "", "vendorId": "  "}, {"status": "Preparing"}),
    ("empty_as_absent", meter(sample("", unit="", phase=" ")), meter(sample(""))),
    ("empty_as_absent", {"info": "x", "vendorId": None, "connectorId": 0}, None),
    (
        "error_code_outside_enum",
        {"errorCode": "Error", "status": "Faulted"},
        {"errorCode": "OtherError", "status": "Faulted", "vendorErrorCode": "Error"},
    ),
    (
        "error_code_outside_enum",
        {"errorCode": "Error", "vendorErrorCode": "E7"},
        {"errorCode": "OtherError", "vendorErrorCode": "E7"},
    ),
    ("error_code_outside_enum", {"errorCode": "No Error"}, {"errorCode": "NoError"}),
    ("error_code_outside_enum", {"errorCode": "GROUND_FAILURE"}, {"errorCode": "GroundFailure"}),
    ("error_code_outside_enum", {"errorCode": "NoError"}, None),
    ("error_code_outside_enum", {"errorCode": " "}, None),
    ("error_code_outside_enum", {"errorCode": 7}, None),
    ("error_code_outside_enum", {"status": "Faulted"}, None),
    ("huge_transaction_id", {"connectorId": 1, "transactionId": 9223372036854775807}, {"connectorId": 1}),
    ("huge_transaction_id", {"transactionId": 9223372036854775806}, None),
    ("huge_transaction_id", {"connectorId": 1}, None),
    ("negative_transaction_id", {"transactionId": -1, "meterStop": 5}, {"meterStop": 5}),
    ("negative_transaction_id", {"transactionId": 0}, None),
    ("negative_transaction_id", {"transactionId": "-1"}, None),
]

READINGS: list[Case] = [
    ("drop_values_without_text", meter(sample(""), sample("1"), {"unit": "A"}, sample(None), 7), meter(sample("1"), 7)),
    ("drop_values_without_text", meter(sample(0)), None),
    (
        "empty_sampled_value",
        {"meterValue": [{"sampledValue": []}, {"timestamp": "x"}, {"sampledValue": [sample()]}]},
        {"meterValue": [{"sampledValue": [sample()]}]},
    ),
    ("empty_sampled_value", meter(sample()), None),
    ("kwh_labelled_wh", meter(sample("361"), sample(unit="wh")), meter(sample("361", unit="kWh"), sample(unit="kWh"))),
    (
        "kwh_labelled_wh",
        meter(sample("1", measurand="Energy.Active.Export.Register", unit="Wh")),
        meter(sample("1", measurand="Energy.Active.Export.Register", unit="kWh")),
    ),
    (
        "kwh_labelled_wh",
        meter(
            sample(measurand="Energy.Reactive.Import.Register"),
            sample(measurand="Power.Active.Import", unit="W"),
            sample(unit="kWh"),
            sample(measurand=3),
            SIGNED,
        ),
        None,
    ),
    (
        "phase_n_only",
        meter(sample("15.6", measurand="Current.Import", phase="N"), sample(measurand="Voltage", phase="L1-N")),
        meter(sample("15.6", measurand="Current.Import"), sample(measurand="Voltage", phase="L1-N")),
    ),
    (
        "phase_n_only",
        meter(sample(measurand="Current.Import", phase="L1"), sample("0.2", measurand="Current.Import", phase="N")),
        None,
    ),
    ("phase_n_only", meter(sample(measurand="Current.Import"), 5), None),
    ("phase_n_only", {"meterValue": [{"sampledValue": "none"}]}, None),
    ("phase_n_only", OF_2_X, None),
    ("unknown_context", meter(sample(context="Sample.Old")), meter(sample(context="Other"))),
    ("unknown_context", meter(sample(context="sample.clock"), sample(), sample(context=1), SIGNED), None),
]

TIMES: list[Case] = [
    ("zoneless_time", {"timestamp": "2023-10-19T15:28:07"}, {"timestamp": "2023-10-19T15:28:07Z"}),
    ("zoneless_time", {"timestamp": "2023-10-19 15:28"}, {"timestamp": "2023-10-19 15:28Z"}),
    (
        "zoneless_time",
        {"meterValue": [{"timestamp": "2023-10-19T15:28:07.123"}]},
        {"meterValue": [{"timestamp": "2023-10-19T15:28:07.123Z"}]},
    ),
    ("zoneless_time", {"timestamp": "2023-10-19T15:28:07Z"}, None),
    ("zoneless_time", {"timestamp": "2023-10-19T15:28:07+02"}, None),
    ("zoneless_time", {"timestamp": "yesterday"}, None),
    ("zoneless_time", {"timestamp": 1697729287}, None),
    ("local_time", {"timestamp": "2023-10-19T15:28:07"}, {"timestamp": "2023-10-19T15:28:07+02:00"}),
    ("local_time", {"timestamp": "2023-10-19T15:28:07Z"}, None),
    ("local_time_marked_utc", {"timestamp": "2023-10-19T15:28:07Z"}, {"timestamp": "2023-10-19T15:28:07+02:00"}),
    ("local_time_marked_utc", {"timestamp": "2023-10-19T15:28:07"}, None),
]

CASES = [*SHAPES, *NUMBERS, *WORDS, *READINGS, *TIMES]


@pytest.mark.parametrize(("name", "payload", "better"), CASES)
def test_what_it_makes_of_a_payload(name: str, payload: dict[str, Any], better: dict[str, Any] | None) -> None:
    before = repr(payload)
    found = PAYLOAD_CORRECTIONS[name].correct(payload, **dict.fromkeys(parameters_of(name), 120))
    assert repr(payload) == before
    if better is None:
        assert found is payload
    else:
        assert found == better


def test_every_correction_has_a_case_for_and_against() -> None:
    assert {name for name, _, better in CASES if better is not None} == set(PAYLOAD_CORRECTIONS)
    assert {name for name, _, better in CASES if better is None} == set(PAYLOAD_CORRECTIONS)


@pytest.mark.parametrize(("minutes", "offset"), [(-210, "-03:30"), (0, "+00:00"), (840, "+14:00"), (-840, "-14:00")])
def test_zones(minutes: int, offset: str) -> None:
    correct = PAYLOAD_CORRECTIONS["local_time"].correct
    assert correct({"timestamp": "2023-10-19T15:28:07"}, offset_minutes=minutes) == {
        "timestamp": f"2023-10-19T15:28:07{offset}"
    }


def test_every_name_is_used_once() -> None:
    assert len(set(NAMES)) == len(TEXT_REPAIRS) + len(PAYLOAD_CORRECTIONS) + len(TRAITS)
    assert parameters_of("strip_nul") == {}
