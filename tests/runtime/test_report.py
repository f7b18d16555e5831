"""What `evgate status` is told: plain JSON values, complete, and nothing that is secret."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.core.door import Unknown
from gateway.core.policy import StationPolicy, UpstreamPolicy
from gateway.core.record import Standing, StationRecord
from gateway.runtime.health import Gravity, Problem
from gateway.runtime.ports import Unreachable
from gateway.runtime.report import NO_UPSTREAM, ListenerReport, Report, Surroundings
from tests.runtime.house import House, naming, until
from tests.runtime.test_overview import overview_of

SINCE = datetime(2026, 2, 1, 7, 30, tzinfo=UTC)
TS = "2026-03-01T08:00:00.000Z"
STATUS = '[2,"%d","StatusNotification",{"connectorId":%d,"errorCode":"NoError","status":"%s"}]'
OPEN = ListenerReport("0.0.0.0:9000", tls=False, passed=True)
BUSY = ListenerReport("0.0.0.0:9443", tls=True, passed=False, problem="port 9443 is in use: end the other program")


def surroundings(**changes: Any) -> Surroundings:
    """A site whose configuration is as it should be."""
    one = Surroundings("evgate/depot3", "/var/lib/evgate/evgate.db", lambda: (OPEN,))
    one.upstream_urls = {"operator": "wss://csms.example.com/ocpp"}
    for name, value in changes.items():
        setattr(one, name, value)
    return one


def report_of(house: House, **changes: Any) -> Report:
    """The report of this site."""
    overview = overview_of(house)
    around = surroundings(**changes)
    overview.more_problems = around.problems
    overview.db_bytes = lambda: 4096
    return Report(overview, house.stations, around)


def status(report: Report) -> Any:
    """As it comes out of the control socket."""
    return json.loads(json.dumps(report.status(report.overview.clock.now())))


async def test_all_of_it() -> None:
    house = House(directory=naming("CP01"))
    await house.stations.start()
    report = report_of(house, files=("/etc/evgate/gateway.toml",))
    charger = await house.connect()
    await charger.from_charger.text(STATUS % (2, 2, "Charging"))
    await charger.from_charger.text(STATUS % (1, 1, "Available"))
    await charger.up.until(2)
    house.clock.move(90)
    told = status(report)
    [one] = told.pop("chargers")
    assert [(entry["connector"], entry["status"], entry["condition"]) for entry in one.pop("connectors")] == [
        ("1", "Available", "available"),
        ("2", "Charging", "charging"),
    ]
    assert one == {
        "identity": "CP01",
        "slug": "cp01",
        "name": None,
        "standing": "configured",
        "online": True,
        "since": TS,
        "last_seen": TS,
        "address": "10.0.0.31",
        "subprotocol": "ocpp1.6",
        "clock_skew_s": None,
        "quirks": [],
        "upstream": "operator",
        "upstream_online": True,
        "problem": None,
    }
    assert told == {
        "version": "0.1.0",
        "site": "depot3",
        "site_name": None,
        "started": TS,
        "uptime_s": 90,
        "health": "ok",
        "configuration": {
            "files": ["/etc/evgate/gateway.toml"],
            "in_use": "current",
            "since": None,
            "problems": [],
        },
        "listeners": [{"address": "0.0.0.0:9000", "tls": False, "passed": True, "open": True, "problem": None}],
        "quarantined": [],
        "upstreams": [
            {"name": "operator", "url": "wss://csms.example.com/ocpp", "links": 1, "online": 1, "problem": None}
        ],
        "mqtt": {
            "broker": "127.0.0.1:1883",
            "base": "evgate/depot3",
            "connected": True,
            "protocol": 5,
            "connected_since": None,
            "reconnects": 0,
            "problem": None,
        },
        "store": {"path": "/var/lib/evgate/evgate.db", "bytes": 4096, "problem": None},
        "clock": {"trust": "synced", "source": told["clock"]["source"], "offset_ms": None},
        "problems": [],
    }
    await house.stations.stop()


async def test_who_waits_in_quarantine() -> None:
    house = House(Unknown.QUARANTINE)
    await house.stations.start()
    await house.refuse("X")
    house.clock.move(1)
    await house.refuse("Y")
    waiting = report_of(house).chargers()["quarantined"]
    assert [entry["identity"] for entry in waiting] == ["Y", "X"]
    assert waiting[1] == {
        "identity": "X",
        "address": "10.0.0.31:40000",
        "subprotocols": ("ocpp1.6",),
        "credentials": False,
        "reason": "unknown identity",
        "last_seen": TS,
        "attempts": 1,
    }


@pytest.mark.parametrize(
    ("named", "row", "shown"),
    [
        (True, None, "configured"),
        (True, Standing.ADOPTED, "configured"),
        (False, Standing.ADOPTED, "adopted"),
        (False, Standing.ACCEPTED, "accepted"),
        # Its line is gone, and it stays because anybody may.
        (False, Standing.CONFIGURED, "accepted"),
    ],
)
async def test_by_what_right_a_charger_is_known(named: bool, row: Standing | None, shown: str) -> None:
    house = House(directory=naming("CP01", unknown=Unknown.ACCEPT))
    if row is not None:
        house.store.disk["cp01"] = StationRecord("CP01", "cp01", SINCE, standing=row)
    await house.stations.start()
    if not named:
        await house.reload(naming(unknown=Unknown.ACCEPT))
        await until(lambda: all(task.waiting_since is None for task, _ in house.stations.loops()))
    [charger] = report_of(house).chargers()["chargers"]
    assert charger["standing"] == shown
    await house.stations.stop()


async def test_an_outage_is_shown_at_the_charger_and_at_its_upstream() -> None:
    policy = StationPolicy(UpstreamPolicy("other"), unusable="upstream other is not dialled: create /ca.pem")
    broken = naming("CP02", policy=policy)
    directory = replace(broken, configured={**broken.configured, **naming("CP01").configured})
    house = House(directory=directory)
    await house.stations.start()
    waiting = asyncio.create_task(house.refuse("CP01"))
    await until(lambda: house.dialer.dialled != [])
    house.clock.move(3)
    house.dialer.outcomes.put_nowait(Unreachable("connection refused"))
    assert (await waiting).status == 503
    report = report_of(
        house,
        upstream_urls={"operator": "wss://a/", "other": "wss://b/", "third": "wss://c/"},
        lost_upstreams={"other": "upstream other is not dialled: create /ca.pem"},
    )
    told = status(report)
    why = "upstream operator cannot be reached (connection refused): check its url and the network"
    assert [(one["name"], one["links"], one["online"], one["problem"]) for one in told["upstreams"]] == [
        ("operator", 1, 0, why),
        ("other", 1, 0, "upstream other is not dialled: create /ca.pem"),
        ("third", 0, 0, None),
    ]
    problems = {charger["identity"]: charger["problem"] for charger in told["chargers"]}
    assert problems == {"CP01": f"CP01: {why}", "CP02": policy.unusable}
    assert told["health"] == "degraded"
    await house.stations.stop()


async def test_a_socket_that_nobody_serves_is_shown() -> None:
    told = status(report_of(House(), sockets=("evgate.socket listens on [::]:9001, and nobody is served there",)))
    assert ("socket_unused", "warning") in [(problem["what"], problem["level"]) for problem in told["problems"]]


async def test_a_broken_edit_and_a_lost_part_are_shown() -> None:
    told = status(
        report_of(
            House(),
            rejected=("conf.d/site.toml:3 no such key",),
            lost=("charger CP01 is refused: create the file",),
            last_good_since=SINCE,
        )
    )
    assert told["configuration"] == {
        "files": [],
        "in_use": "last_good",
        "since": "2026-02-01T07:30:00.000Z",
        "problems": ["conf.d/site.toml:3 no such key", "charger CP01 is refused: create the file"],
    }
    assert [(problem["what"], problem["level"]) for problem in told["problems"]] == [
        ("last_good_configuration", "warning"),
        ("configuration_rejected", "warning"),
        ("configuration_unusable", "warning"),
    ]


def test_what_is_wrong_around_the_stations() -> None:
    around = surroundings(
        upstream_urls={},
        waits_for_restart=("mqtt.url has changed, which takes a restart: systemctl restart evgate",),
        listeners=lambda: (OPEN, BUSY),
    )
    assert list(around.problems()) == [
        Problem("no_upstream", NO_UPSTREAM, Gravity.NOTICE),
        Problem("restart_needed", around.waits_for_restart[0], Gravity.NOTICE),
        Problem("listen_failed:0.0.0.0:9443", BUSY.problem or "", Gravity.ERROR),
    ]
    assert list(surroundings().problems()) == []


async def test_a_port_in_use_is_critical_and_the_gravest_comes_first() -> None:
    house = House(Unknown.QUARANTINE)
    await house.stations.start()
    await house.refuse("X")
    told = status(report_of(house, listeners=lambda: (OPEN, BUSY), rejected=("broken",)))
    assert told["health"] == "critical"
    assert told["listeners"][1] == {
        "address": "0.0.0.0:9443",
        "tls": True,
        "passed": False,
        "open": False,
        "problem": BUSY.problem,
    }
    assert [problem["level"] for problem in told["problems"]] == ["error", "warning", "notice"]


async def test_no_password_is_in_it() -> None:
    policy = StationPolicy(UpstreamPolicy("operator", password="hunter2"), password="hunter3")
    house = House(directory=naming("CP01", policy=policy))
    await house.stations.start()
    text = json.dumps(status(report_of(house)))
    assert "hunter" not in text
    await house.stations.stop()
