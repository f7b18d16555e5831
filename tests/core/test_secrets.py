"""No value that crosses a layer shows a secret when it is printed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.core.effects import CheckCredentials, Dial, HashCredentials
from gateway.core.events import Arrival, ChargerArrived, CredentialsHashed
from gateway.core.policy import StationPolicy, UpstreamPolicy
from gateway.core.record import StationRecord

SECRET = "c2VjcmV0"


@pytest.mark.parametrize(
    "value",
    [
        ChargerArrived(1, Arrival("CP01", "10.0.0.1:1", (), SECRET)),
        CheckCredentials(1, SECRET, SECRET),
        HashCredentials(1, SECRET),
        CredentialsHashed(1, SECRET),
        Dial(1, "operator", "CP01", (), SECRET),
        StationPolicy(UpstreamPolicy("operator", password=SECRET), password=SECRET),
        StationRecord("CP01", "cp01", datetime(2026, 1, 1, tzinfo=UTC), credential_hash=SECRET),
    ],
    ids=lambda value: type(value).__name__,
)
def test_repr_hides_secrets(value: object) -> None:
    assert SECRET not in repr(value)
