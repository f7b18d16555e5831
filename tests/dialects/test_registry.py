"""`gateway.dialects`: which subprotocol has a dialect."""

from __future__ import annotations

from gateway.core.subprotocols import SUPPORTED
from gateway.dialects import DIALECTS, Dialect16


def test_only_subprotocols_that_are_spoken_have_a_dialect() -> None:
    assert set(DIALECTS) <= set(SUPPORTED)


def test_each_dialect_is_of_the_version_that_its_subprotocol_names() -> None:
    assert {f"ocpp{dialect.version}" for dialect in DIALECTS.values()} == set(DIALECTS)


def test_1_6_is_read() -> None:
    assert isinstance(DIALECTS["ocpp1.6"], Dialect16)
