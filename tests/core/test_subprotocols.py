"""What chargers offer, however badly, and what upstream is asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.subprotocols import (
    ASSUMED,
    MOST_OFFERED,
    SUPPORTED,
    proposal,
    read_offer,
    version_of,
)


@pytest.mark.parametrize(
    ("headers", "offered"),
    [
        ([], ()),
        ([""], ()),
        ([" ,, ,"], ()),
        (["ocpp1.6"], ("ocpp1.6",)),
        (["ocpp2.0.1, ocpp1.6"], ("ocpp2.0.1", "ocpp1.6")),
        (["ocpp1.6", "ocpp2.0.1"], ("ocpp1.6", "ocpp2.0.1")),
        ([",ocpp1.6"], ("ocpp1.6",)),
        ([", ,ocpp1.6,,"], ("ocpp1.6",)),
        (["\tocpp1.6  ,ocpp2.0.1\t"], ("ocpp1.6", "ocpp2.0.1")),
        (["ocpp1.6 ocpp2.0.1"], ("ocpp1.6", "ocpp2.0.1")),
        (["ocpp1.6;ocpp2.0.1"], ("ocpp1.6", "ocpp2.0.1")),
        (['"ocpp1.6"'], ("ocpp1.6",)),
        (["ocpp1.6, ocpp1.6"], ("ocpp1.6",)),
        (["OCPP1.6, v2/beta, {json}, mqtt"], ("OCPP1.6", "mqtt")),
        (["ocpp1.6\xff, ocpp2.1"], ("ocpp2.1",)),
    ],
)
def test_what_a_charger_offered(headers: list[str], offered: tuple[str, ...]) -> None:
    assert read_offer(headers) == offered


def test_an_endless_list_is_cut() -> None:
    assert len(read_offer([",".join(f"p{number}" for number in range(1000))])) == MOST_OFFERED


@pytest.mark.parametrize(
    ("subprotocol", "version"),
    [
        ("ocpp1.6", "ocpp1.6"),
        ("OCPP1.6", "ocpp1.6"),
        ("Ocpp2.0.1", "ocpp2.0.1"),
        ("ocpp2.1", "ocpp2.1"),
        ("ocpp1.5", None),
        ("", None),
    ],
)
def test_a_version_is_matched_without_case(subprotocol: str, version: str | None) -> None:
    assert version_of(subprotocol) == version


@pytest.mark.parametrize(
    ("offered", "pinned", "proposed"),
    [
        (("ocpp1.6",), None, ("ocpp1.6",)),
        (("ocpp2.0.1", "ocpp1.6"), None, ("ocpp2.0.1", "ocpp1.6")),
        (("ocpp1.6", "ocpp2.0.1"), None, ("ocpp1.6", "ocpp2.0.1")),
        (("mqtt", "OCPP1.6", "ocpp1.5"), None, ("OCPP1.6",)),
        (("OCPP1.6", "ocpp1.6"), None, ("OCPP1.6",)),
        (("mqtt", "ocpp1.5"), None, ()),
        ((), None, (ASSUMED,)),
        ((), "ocpp2.0.1", ("ocpp2.0.1",)),
        (("ocpp2.0.1", "ocpp1.6"), "ocpp1.6", ("ocpp1.6",)),
        (("ocpp2.0.1", "OCPP1.6"), "ocpp1.6", ("OCPP1.6",)),
        (("ocpp2.0.1",), "ocpp1.6", ()),
    ],
)
def test_what_upstream_is_asked(offered: tuple[str, ...], pinned: str | None, proposed: tuple[str, ...]) -> None:
    assert proposal(offered, pinned) == proposed


@given(st.lists(st.text(max_size=40), max_size=5))
def test_no_header_breaks_the_reader(headers: list[str]) -> None:
    offered = read_offer(headers)
    # What was read reads the same again: the cleaned header is a valid one.
    assert read_offer([", ".join(offered)]) == offered
    assert all(version_of(name) in SUPPORTED for name in proposal(offered))
