"""A bug that one charger's frame wakes stays with that charger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from gateway.core.ports import Reading
from gateway.dialects import Dialect16
from gateway.runtime.ports import Change
from tests.fakes.memory_store import MemoryStore
from tests.runtime.house import House, until


class BrokenDialect(Dialect16):
    """Has a bug in one action."""

    def read_call(self, action: str, payload: Mapping[str, Any]) -> Reading:
        if action == "Boom":
            raise RuntimeError("a bug")
        return super().read_call(action, payload)


async def test_a_bug_ends_one_connection_and_no_other(caplog: pytest.LogCaptureFixture) -> None:
    house = House()
    house.stations.dialects = {"ocpp1.6": BrokenDialect()}
    await house.stations.start()
    victim = await house.connect("CP01")
    other = await house.connect("CP02")
    await victim.from_charger.text('[2,"1","Boom",{}]')
    await until(lambda: victim.down.closed is not None and victim.up.closed is not None)
    assert victim.down.closed == (1011, "internal error")
    assert house.notes.counters["internal_error"] == 1
    assert "a bug" in caplog.text
    await other.from_charger.text('[2,"1","Heartbeat",{}]')
    assert await other.up.until(1) == ['[2,"1","Heartbeat",{}]']
    again = await house.connect("CP01")
    await again.from_charger.text('[2,"2","Heartbeat",{}]')
    assert await again.up.until(1) == ['[2,"2","Heartbeat",{}]']
    await house.stations.stop()


class LeakyStore(MemoryStore):
    """Raises what the port does not allow."""

    async def commit(self, changes: Sequence[Change]) -> None:
        raise OSError("not of the port")


async def test_a_bug_while_effects_are_carried_out_leaves_the_station_usable(caplog: pytest.LogCaptureFixture) -> None:
    house = House(store=LeakyStore())
    await house.stations.start()
    house.dialer.accepts()
    assert (await house.refuse("CP01")).status == 503
    assert house.notes.counters["internal_error"] == 1
    assert "not of the port" in caplog.text
    house.stations.safekeeping.store = house.store = MemoryStore()
    assert await house.connect("CP01")
    await house.stations.stop()
