"""The store fails in service: chargers charge on, everybody is told, and what was learnt is kept when it is back."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.sim import SimCharger
from tests.support.broker import Broker
from tests.support.commands import evgate
from tests.support.failing_disk import FailingDisk, compiled
from tests.support.impatient import IMPATIENT
from tests.support.mqtt import Subscriber
from tests.support.site import PROMPT_S, Site, site, within

BASE = "evgate/test"
CONNECTORS = f"{BASE}/charger/cp1/connector"

PAGE_BYTES = 1024
"""Of the database: the first page says whose it is."""

FAILURES = [FailingDisk.be_read_only, FailingDisk.fail_writes, FailingDisk.fail_syncs]
TO_DO = {
    "be_read_only": ("not mounted read-only", "dmesg"),
    "fail_writes": ("replace a failing card",),
    "fail_syncs": ("replace a failing card",),
}
"""What the status tells somebody to do, in one of these words."""


@dataclass
class Life:
    """A running gateway on a disk that can fail, and what MQTT shows of it."""

    here: Site
    mqtt: Subscriber
    disk: FailingDisk

    async def state(self, connector: int, **wanted: Any) -> Any:
        """The state of a connector, once it says this."""
        return await self._shown(f"{CONNECTORS}/{connector}/state", wanted)

    async def session(self, connector: int, **wanted: Any) -> Any:
        """The session of a connector, once it says this."""
        return await self._shown(f"{CONNECTORS}/{connector}/session", wanted)

    async def faults(self, count: int) -> Any:
        """The list of faults, once there are so many."""
        return await self._shown(f"{BASE}/charger/cp1/faults", {"count": count})

    async def health(self, word: str, *reasons: str) -> None:
        """The gateway says this of itself, with these reasons among others."""
        topic = f"{BASE}/gateway/state"
        await self.mqtt.wait_json(topic, lambda fact: fact["health"] == word and {*reasons} <= {*fact["reasons"]})

    async def status(self) -> str:
        """What `evgate status` prints, on one line."""
        said = await evgate(self.here.daemon.control, "status")
        return " ".join(said.out.split())

    async def _shown(self, topic: str, wanted: dict[str, Any]) -> Any:
        return await self.mqtt.wait_json(topic, lambda fact: {key: fact[key] for key in wanted} == wanted)


@pytest.fixture
def disk(tmp_path: Path) -> FailingDisk:
    """The one that the state folder is on."""
    return FailingDisk(compiled(tmp_path), tmp_path / "state", tmp_path / "orders")


@pytest.fixture
async def broker() -> AsyncIterator[Broker]:
    """It outlives the gateway."""
    async with Broker() as running:
        yield running


@asynccontextmanager
async def life(folder: Path, disk: FailingDisk, broker: Broker) -> AsyncIterator[Life]:
    """One run of the daemon; who listens to MQTT knows nothing of the runs before."""
    url = f'url = "mqtt://127.0.0.1:{broker.port}"'
    async with (
        site(folder, mqtt=url, environ=disk.environ, module=IMPATIENT) as here,
        Subscriber(broker.port) as mqtt,
    ):
        await mqtt.wait_for(f"{BASE}/status", lambda text: text == "online")
        yield Life(here, mqtt, disk)
        assert not [line for line in here.daemon.lines if "Traceback" in line]


async def charge(charger: SimCharger, connector: int) -> None:
    """A car is plugged in and charges."""
    await within(charger.status(connector, "Preparing"), PROMPT_S)
    await within(charger.authorize("TAG-1"), PROMPT_S)
    await within(charger.start(connector, "TAG-1"), PROMPT_S)
    await within(charger.status(connector, "Charging"), PROMPT_S)
    await within(charger.meter(connector, 700), PROMPT_S)


@pytest.mark.parametrize("fail", FAILURES, ids=lambda fail: fail.__name__)
async def test_chargers_charge_on_and_nothing_is_lost_when_it_is_back(
    tmp_path: Path, disk: FailingDisk, broker: Broker, fail: Callable[[FailingDisk], None]
) -> None:
    async with life(tmp_path, disk, broker) as now:
        charger, upstream = now.here.charger("CP1"), now.here.upstream("CP1")
        async with charger:
            await charger.boot()
            await charger.statuses()
            await charge(charger, 1)
            before = await now.state(1, status="Charging")
            fail(disk)
            # A session ends, one begins, something breaks: all of it is answered by upstream, and shown.
            await within(charger.meter(1, 300), PROMPT_S)
            ended = await within(charger.finish(1), PROMPT_S)
            await charge(charger, 2)
            await within(charger.status(0, "Faulted", "PowerMeterFailure"), PROMPT_S)
            assert charger.ledger.sent == upstream.ledger.received
            assert upstream.ledger.sent == charger.ledger.received
            await now.state(1, status="Available", upstream_delivered=True)
            await now.state(2, status="Charging", in_session=True)
            first = await now.session(1, transaction_id=ended.transaction_id, active=False)
            second = await now.session(2, active=True)
            (fault,) = (await now.faults(1))["faults"]
            await now.health("critical", "store_failed")
            told = await now.status()
            assert "evgate is in CRITICAL condition" in told
            assert any(words in told for words in TO_DO[fail.__name__]), told
            await now.here.daemon.logged("still without a store", times=2)
            assert list(tmp_path.glob("state/*damaged*")) == []
            disk.work()
            line = await now.here.daemon.logged("the store works again")
            assert int(line.partition("again, ")[2].split()[0]) > 0
            await now.health("ok")
            assert "evgate is OK" in await now.status()
            await within(charger.status(1, "Preparing"), PROMPT_S)
            assert charger.connect_count == upstream.connect_count == 1
            await now.state(1, status="Preparing")
            await now.here.daemon.end(signal.SIGKILL)
    async with life(tmp_path, disk, broker) as later:
        restored = await later.state(1, source="restored")
        assert (restored["status"], restored["previous"]["status"]) == ("Preparing", "Available")
        assert restored["visit_id"] != before["visit_id"]
        taken_up = await later.session(1, session_id=first["session_id"])
        assert (taken_up["energy_wh"], taken_up["stop_reason"], taken_up["active"]) == (1000, "Local", False)
        going_on = await later.session(2, session_id=second["session_id"])
        assert (going_on["active"], going_on["transaction_id"]) == (True, second["transaction_id"])
        assert (await later.state(2, source="restored"))["status"] == "Charging"
        assert (await later.faults(1))["faults"] == [fault]


async def test_what_ended_while_the_store_failed_stays_ended(tmp_path: Path, disk: FailingDisk, broker: Broker) -> None:
    """The rows on disk still say that it goes on, until the store is back."""
    async with life(tmp_path, disk, broker) as now, now.here.charger("CP1") as charger:
        await charge(charger, 1)
        await within(charger.status(1, "Charging", "WeakSignal"))
        await now.faults(1)
        await now.session(1, active=True)
        disk.fail_writes()
        await within(charger.status(1, "Charging"), PROMPT_S)
        await within(charger.finish(1), PROMPT_S)
        await charge(charger, 1)
        last = await within(charger.finish(1), PROMPT_S)
        await now.session(1, transaction_id=last.transaction_id, active=False)
        await now.faults(0)
        disk.work()
        await now.here.daemon.logged("the store works again")
        await now.health("ok")
        seen = len(now.mqtt.messages)
        # Whatever is told from here on is told after the store was read again.
        await within(charger.status(1, "Preparing"), PROMPT_S)
        assert (await now.state(1, status="Preparing"))["in_session"] is False
        shown = [message.topic for message in now.mqtt.messages[seen:]]
        assert f"{CONNECTORS}/1/state" in shown
        await now.session(1, transaction_id=last.transaction_id, active=False)
        await now.faults(0)
        await now.here.daemon.end(signal.SIGKILL)
    async with life(tmp_path, disk, broker) as later:
        await later.state(1, source="restored", in_session=False)
        await later.session(1, transaction_id=last.transaction_id, active=False)
        await later.faults(0)


async def test_a_store_that_cannot_be_written_at_the_start_is_taken_up_later(
    tmp_path: Path, disk: FailingDisk, broker: Broker
) -> None:
    async with life(tmp_path, disk, broker) as now, now.here.charger("CP1") as charger:
        await charge(charger, 1)
        session = await now.session(1, active=True)
        await now.here.daemon.end(signal.SIGKILL)
    disk.be_read_only()
    async with life(tmp_path, disk, broker) as now, now.here.charger("CP1") as charger:
        await now.health("critical", "store_failed")
        await within(charger.status(1, "SuspendedEV"), PROMPT_S)
        await charge(charger, 2)
        disk.work()
        await now.here.daemon.logged("the store works again")
        # What this process learnt stands beside what the one before it knew.
        await now.health("ok")
        await now.session(1, session_id=session["session_id"], active=True)
        second = await now.session(2, active=True)
        await now.here.daemon.end(signal.SIGKILL)
    async with life(tmp_path, disk, broker) as now:
        assert (await now.state(1, source="restored"))["status"] == "SuspendedEV"
        await now.session(1, session_id=session["session_id"], active=True)
        await now.session(2, session_id=second["session_id"], active=True)


async def test_a_damaged_store_is_set_aside_at_the_start(tmp_path: Path, disk: FailingDisk, broker: Broker) -> None:
    async with life(tmp_path, disk, broker) as now, now.here.charger("CP1") as charger:
        await charge(charger, 1)
        await now.session(1, active=True)
        assert await now.here.daemon.end() == 0
    damage(tmp_path)
    async with life(tmp_path, disk, broker) as now, now.here.charger("CP1") as charger:
        (aside,) = tmp_path.glob("state/evgate.db.damaged-*")
        await now.health("degraded", "store_set_aside")
        told = await now.status()
        assert "the store was damaged and was begun anew" in told
        assert aside.name in told
        await charge(charger, 2)
        session = await now.session(2, active=True)
        await now.here.daemon.end(signal.SIGKILL)
    async with life(tmp_path, disk, broker) as now:
        await now.session(2, session_id=session["session_id"], active=True)
        assert (await now.state(2, source="restored"))["status"] == "Charging"
        # Told once: this life has met no damage.
        await now.mqtt.wait_json(f"{BASE}/gateway/state", lambda fact: "store_set_aside" not in fact["reasons"])
        assert list(tmp_path.glob("state/evgate.db.damaged-*")) == [aside]


async def test_what_is_known_goes_into_the_fresh_store_when_one_is_damaged_in_service(
    tmp_path: Path, disk: FailingDisk, broker: Broker
) -> None:
    async with life(tmp_path, disk, broker) as now, now.here.charger("CP1") as charger:
        await charger.boot()
        await charge(charger, 1)
        old = await now.session(1, active=True)
        assert await now.here.daemon.end() == 0
    async with life(tmp_path, disk, broker) as now, now.here.charger("CP1") as charger:
        # The first connector is known from before alone, the second from this life.
        await charge(charger, 2)
        disk.fail_writes()
        await within(charger.status(2, "SuspendedEV"), PROMPT_S)
        await now.health("critical", "store_failed")
        damage(tmp_path)
        disk.work()
        await now.health("degraded", "store_set_aside")
        (aside,) = tmp_path.glob("state/evgate.db.damaged-*")
        assert aside.name in await now.status()
        new = await now.session(2, active=True)
        assert charger.connect_count == 1
        await now.here.daemon.end(signal.SIGKILL)
    async with life(tmp_path, disk, broker) as now:
        assert (await now.state(1, source="restored"))["since"] != (await now.state(2, source="restored"))["since"]
        await now.session(1, session_id=old["session_id"], active=True)
        await now.session(2, session_id=new["session_id"], active=True)
        assert (await now.state(2, status="SuspendedEV"))["previous"]["status"] == "Charging"
        assert (await now.mqtt.wait_json(f"{BASE}/charger/cp1/state"))["registered"] == "accepted"


def damage(folder: Path) -> None:
    """Leave nothing of the database but its first page, which says whose it is."""
    file = folder / "state" / "evgate.db"
    size = file.stat().st_size
    assert size > PAGE_BYTES
    with file.open("r+b") as database:
        database.seek(PAGE_BYTES)
        database.write(b"\xff" * (size - PAGE_BYTES))
