"""Whatever a fact holds, it becomes valid JSON with exactly the documented keys."""

from __future__ import annotations

import json
from datetime import UTC

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.condition import Condition
from gateway.core.energy import Energy
from gateway.core.facts import (
    ChargerInfo,
    ChargerState,
    ConnectivityChanged,
    ConnectorState,
    Fact,
    FaultChanged,
    Faults,
    GatewayInfo,
    GatewayState,
    MeterState,
    Quarantined,
    SessionChanged,
    SessionState,
    StatusChanged,
)
from gateway.core.memory import ConnectorRecord, FaultRecord, Phase, PreviousStatus, SessionRecord
from gateway.core.reports import BootReported, StatusReported
from gateway.topics import TOPICS, Numbers, render
from tests.topics import keys
from tests.topics.samples import CONTEXT

# Any character, lone surrogates and NUL included: a charger's JSON may hold them all.
texts = st.text(st.characters(exclude_categories=()), max_size=700)
perhaps = st.none() | texts
moments = st.datetimes(timezones=st.just(UTC))
slugs = st.from_regex(r"[a-z0-9-]{1,48}", fullmatch=True)
counts = st.integers(min_value=0)
connectors = st.integers(0, 1000)
seconds = st.floats(0, 1e9)
reports = st.builds(StatusReported, connectors, texts, texts, *(perhaps for _ in range(4)))
conditions = st.builds(Condition, texts, *(st.none() | st.booleans() for _ in range(5)))
connector_records = st.builds(
    ConnectorRecord,
    report=reports,
    condition=texts,
    since=moments,
    previous=st.none() | st.builds(PreviousStatus, texts, texts, moments),
    transition=perhaps,
    visit=st.none() | counts,
    plugged_at=st.none() | moments,
)
fault_records = st.builds(
    FaultRecord,
    connector_id=connectors,
    code=texts,
    vendor_id=perhaps,
    vendor_error_code=perhaps,
    info=perhaps,
    severity=st.sampled_from(("error", "warning")),
    raised=moments,
    last_seen=moments,
    cleared=st.none() | moments,
)
numbers = st.none() | st.integers() | st.floats()
session_records = st.builds(
    SessionRecord,
    connector_id=connectors,
    energy=st.builds(Energy),
    id_tag=perhaps,
    started=st.none() | moments,
    ended=st.none() | moments,
    plugged_at=st.none() | moments,
    unplugged_at=st.none() | moments,
    phases=st.lists(st.builds(Phase, texts, moments, seconds), max_size=3).map(tuple),
    charging_s=seconds,
    max_power_w=st.none() | st.floats(),
)
facts: st.SearchStrategy[Fact] = st.one_of(
    st.builds(GatewayInfo, at=moments, site_name=perhaps, os=perhaps, started=moments),
    st.builds(
        GatewayState,
        at=moments,
        uptime_s=counts,
        connected_since=st.none() | moments,
        quarantined=st.lists(st.builds(Quarantined, identity=texts, last_seen=moments), max_size=3).map(tuple),
    ),
    st.builds(
        ChargerInfo,
        at=moments,
        charger=slugs,
        identity=texts,
        name=perhaps,
        boot=st.none() | st.builds(BootReported, texts, texts, texts, texts, texts),
        first_seen=moments,
    ),
    st.builds(
        ChargerState,
        at=moments,
        charger=slugs,
        since=moments,
        last_seen=st.none() | moments,
        last_boot=st.none() | moments,
        status_since=st.none() | moments,
        report=st.none() | reports,
        clock_skew_s=st.none() | st.floats(),
    ),
    st.builds(
        ConnectorState,
        at=moments,
        charger=slugs,
        record=connector_records,
        meaning=conditions,
        stale_since=st.none() | moments,
    ),
    st.builds(Faults, at=moments, charger=slugs, faults=st.lists(fault_records, max_size=3).map(tuple)),
    st.builds(
        MeterState,
        at=moments,
        charger=slugs,
        connector_id=connectors,
        readings=st.dictionaries(st.sampled_from(keys.READINGS.split()) | slugs, numbers, max_size=5),
        context=perhaps,
        charger_ts=perhaps,
    ),
    st.builds(SessionState, at=moments, charger=slugs, record=session_records, power_w=st.none() | st.floats()),
    st.builds(StatusChanged, at=moments, charger=slugs, report=reports),
    st.builds(FaultChanged, at=moments, charger=slugs, fault=fault_records),
    st.builds(SessionChanged, at=moments, charger=slugs, identity=texts, record=session_records),
    st.builds(ConnectivityChanged, at=moments, charger=slugs, remote_addr=perhaps),
)


def only_strict_numbers(word: str) -> None:
    """NaN and Infinity are no JSON."""
    raise AssertionError(word)


@given(fact=facts)
def test_any_fact_is_valid_json_with_exactly_the_documented_keys(fact: Fact) -> None:
    (message,) = render(fact, CONTEXT, Numbers())
    (row,) = (row for row in TOPICS if row.fact is type(fact))
    for text in (message.payload, message.late or message.payload):
        payload = json.loads(text.encode("utf-8"), parse_constant=only_strict_numbers)
        assert keys.keys_of(payload) == set(keys.KEYS[row.template.format(charger="cp01", connector="1")].split())
        assert payload.get("previous") is None or set(payload["previous"]) == keys.PREVIOUS
        assert all(set(phase) == keys.PHASE for phase in payload.get("phases", ()))
        assert all(set(fault) == set(keys.FAULT.split()) for fault in payload.get("faults", ()))
        assert "\x00" not in text
    assert message.topic.isascii()
    assert (message.late is None) == message.retain
