"""`gateway.core.policy`: which changes of the configuration a running connection outlives."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.core.policy import StationPolicy, UpstreamPolicy

OPERATOR = UpstreamPolicy("operator", username="u", password="p")
POLICY = StationPolicy(OPERATOR, name="left", password="secret", subprotocol="ocpp1.6")


@pytest.mark.parametrize(
    "change",
    [
        {"upstream": None},
        {"upstream": replace(OPERATOR, name="other")},
        {"upstream": replace(OPERATOR, username="v")},
        {"upstream": replace(OPERATOR, password="q")},
        {"password": None},
        {"password": "other"},
        {"subprotocol": "ocpp2.0.1"},
        {"unusable": "charger CP01 is refused: create the file"},
    ],
)
def test_what_decides_who_is_let_in_where_to_and_how(change: dict[str, Any]) -> None:
    assert replace(POLICY, **change).terms != POLICY.terms


@pytest.mark.parametrize(
    "change",
    [
        {"upstream": replace(OPERATOR, refusal_grace_s=1.0)},
        {"name": "right"},
        {"pings": False},
        {"refresh": False},
        {"idle_limit_s": 20.0},
    ],
)
def test_what_may_change_while_a_charger_is_connected(change: dict[str, Any]) -> None:
    assert replace(POLICY, **change).terms == POLICY.terms


def test_secrets_are_in_no_text() -> None:
    assert "secret" not in repr(POLICY)
    assert "'p'" not in repr(POLICY)
