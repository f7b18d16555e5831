"""Whatever JSON a charger sends: no correction raises, none touches what is relayed, none has more to do afterwards."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.quirks import Catalogue, Quirk, Use, parameters_of
from gateway.quirks.corrections import PAYLOAD_CORRECTIONS

ONCE = {"registers_in_kwh"}
"""What multiplies would do so again."""

WORDS = st.sampled_from(
    [
        *("", " ", "null", "N", "L1", "Wh", "kwh", "Energy.Active.Import.Register", "SignedData"),
        *("Error", "No Error", "12", "-1", "9223372036854775807", "2023-10-19T15:28:07", "2023-10-19T15:28:07Z"),
    ]
)
KEYS = st.sampled_from(
    [
        *("meterValue", "transactionData", "sampledValue", "value", "unit", "phase", "measurand", "context", "format"),
        *("timestamp", "connectorId", "transactionId", "meterStart", "meterStop", "idTag", "info", "errorCode"),
        *("vendorErrorCode", "evseId"),
    ]
)
PLAIN = st.none() | st.booleans() | st.integers() | st.just(2**63 - 1) | st.just(10**200) | st.floats() | WORDS
VALUES = st.recursive(
    PLAIN | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.text(), inner, max_size=6),
    max_leaves=20,
)
SAMPLES = st.dictionaries(KEYS, PLAIN, max_size=5)
METER_VALUES = st.dictionaries(st.just("sampledValue"), st.lists(SAMPLES | PLAIN, max_size=4) | VALUES)
PAYLOADS = st.dictionaries(KEYS, VALUES, max_size=6) | st.dictionaries(
    st.sampled_from(["meterValue", "transactionData"]), st.lists(METER_VALUES | PLAIN, max_size=3) | METER_VALUES
)
ACTIONS = sorted({action for correction in PAYLOAD_CORRECTIONS.values() for action in correction.actions})


def copied(value: Any) -> Any:
    """The same in objects of its own, numbers excepted."""
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    return [copied(item) for item in value] if isinstance(value, list) else value


def all_but(left_out: set[str]) -> Catalogue:
    uses = tuple(
        Use(name, dict.fromkeys(parameters_of(name), 60)) for name in PAYLOAD_CORRECTIONS if name not in left_out
    )
    return Catalogue([Quirk("all", "", "", uses, every_charger=True)])


@given(PAYLOADS)
def test_each_correction_alone(payload: dict[str, Any]) -> None:
    before = copied(payload)
    for name, correction in PAYLOAD_CORRECTIONS.items():
        parameters = dict.fromkeys(parameters_of(name), 60)
        better = correction.correct(payload, **parameters)
        # Identity first, in every comparison of Python's: NaN is itself here.
        assert payload == before
        assert name in ONCE or correction.correct(better, **parameters) is better


@given(PAYLOADS, st.sampled_from(ACTIONS))
def test_all_corrections_together(payload: dict[str, Any], action: str) -> None:
    corrections = all_but(ONCE).of(None, ())
    better, changed_by = corrections.corrected(action, payload)
    assert bool(changed_by) is (better is not payload)
    assert corrections.corrected(action, better) == (better, ())
