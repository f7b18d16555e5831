"""A CSMS and a charger that talk to each other directly."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.sim import SimCharger, SimCsms, SimStation


@pytest.fixture
async def csms() -> AsyncIterator[SimCsms]:
    """A CSMS on a free port."""
    async with SimCsms() as csms:
        yield csms


@pytest.fixture
async def charger(csms: SimCsms) -> AsyncIterator[SimCharger]:
    """A charger that is not connected yet."""
    charger = SimCharger(csms.url, "CP01")
    yield charger
    await charger.close()


@pytest.fixture
def station(csms: SimCsms) -> SimStation:
    """The charger as the CSMS sees it."""
    return csms.station("CP01")
