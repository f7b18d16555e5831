"""`gateway.core.record`: what the store keeps of a station."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.record import Standing, StationRecord, identity_key

SEEN = datetime(2026, 3, 1, tzinfo=UTC)


def test_a_record_keeps_the_first_spelling_and_compares_without_case() -> None:
    record = StationRecord("RDAM|123-Nord", "rdam-123-nord", SEEN)
    assert record.identity == "RDAM|123-Nord"
    assert record.key == identity_key("rdam|123-NORD")
    assert record.key != identity_key("RDAM|123")


def test_each_upstream_has_its_own_last_acceptance() -> None:
    record = StationRecord("CP01", "cp01", SEEN, subprotocol="ocpp1.6", credential_hash="salted")
    later = SEEN + timedelta(hours=1)
    twice = record.accepted_by("operator", SEEN).accepted_by("reader", SEEN).accepted_by("operator", later)
    assert twice.accepted == {"operator": later, "reader": SEEN}
    assert (twice.subprotocol, twice.credential_hash) == ("ocpp1.6", "salted")
    assert record.accepted == {}


@pytest.mark.parametrize("by", list(Standing))
@pytest.mark.parametrize(
    ("before", "kept"), [(Standing.CONFIGURED, False), (Standing.ACCEPTED, True), (Standing.ADOPTED, True)]
)
def test_only_a_line_in_the_configuration_gives_way_to_another_right(
    before: Standing, kept: bool, by: Standing
) -> None:
    record = StationRecord("CP01", "cp01", SEEN, standing=before)
    assert record.known_by(by).standing is (before if kept else by)


@given(st.text(alphabet=st.characters(codec="ascii")))
def test_case_makes_no_other_station(identity: str) -> None:
    assert identity_key(identity.upper()) == identity_key(identity) == identity_key(identity.lower())
