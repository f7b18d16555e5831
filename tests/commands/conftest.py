"""What tests of the commands share."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def local_time() -> Iterator[None]:
    """One time zone wherever the tests run: UTC+01:00, so that a forgotten conversion shows."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TZ", "EVG-1")
        time.tzset()
        yield
    time.tzset()
