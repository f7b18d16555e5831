"""What is wrong, each with what to do: one list, the gravest first."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.core.clock_trust import Trust
from gateway.core.door import Unknown
from gateway.core.effects import LearnTime
from gateway.core.facts import Quarantined
from gateway.core.policy import StationPolicy, UpstreamPolicy
from gateway.runtime.health import (
    Gravity,
    Problem,
    by_gravity,
    health,
    problems_of_broker,
    problems_of_clock,
    problems_of_stations,
    trouble_of,
)
from gateway.runtime.ports import DialVerdict, PublisherState
from gateway.runtime.timekeeping import Timekeeping
from tests.fakes.time_sync import StandingTimeSync
from tests.runtime.house import POLICY, House, naming

GONE = PublisherState(False, None, "127.0.0.1:1883", 3, None, "connection refused; see that the broker runs")


def a(gravity: Gravity) -> Problem:
    return Problem("x", "something: do this", gravity)


@pytest.mark.parametrize(
    ("gravities", "word"),
    [
        ([], "ok"),
        ([Gravity.NOTICE], "ok"),
        ([Gravity.NOTICE, Gravity.WARNING], "degraded"),
        ([Gravity.WARNING, Gravity.ERROR, Gravity.NOTICE], "critical"),
    ],
)
def test_one_word_for_all(gravities: list[Gravity], word: str) -> None:
    assert health(map(a, gravities)) == word


def test_the_gravest_first_and_otherwise_as_found() -> None:
    found = [Problem(str(number), "", gravity) for number, gravity in enumerate([*reversed(Gravity), *Gravity])]
    assert [problem.what for problem in by_gravity(found)] == ["2", "3", "1", "4", "0", "5"]


async def test_a_charger_that_is_away_is_told_with_the_url_that_it_needs() -> None:
    house = House(directory=naming("Depot 3"))
    await house.stations.start()
    [problem] = problems_of_stations(house.stations)
    slug = house.known()["Depot 3"]
    assert (problem.what, problem.gravity) == (f"charger_offline:{slug}", Gravity.WARNING)
    assert problem.text == (
        "Depot 3 is not connected (since 2026-03-01T08:00:00.000Z): "
        "see that it has power and network, and that its URL ends with /Depot%203"
    )
    await house.connect("Depot 3")
    assert list(problems_of_stations(house.stations)) == []
    await house.stations.stop()


async def test_why_a_charger_is_kept_out_comes_before_that_it_is_away() -> None:
    house = House(directory=naming("CP01"))
    await house.stations.start()
    await house.connect()
    await house.reload(naming("CP01", policy=StationPolicy(UpstreamPolicy("operator", password="p"))))
    house.dialer.outcomes.put_nowait(DialVerdict(404))
    await house.refuse()
    found = list(problems_of_stations(house.stations))
    assert found[0].what == "upstream_offline:cp01"
    assert found[0].text.startswith("CP01: upstream operator answered 404 to a charger it has accepted before")
    await house.stations.stop()


async def test_a_charger_without_what_it_needs_is_told_before_it_knocks() -> None:
    policy = replace(POLICY, unusable="charger CP01 is refused: create the file, then run: systemctl reload evgate")
    house = House(directory=naming("CP01", policy=policy))
    await house.stations.start()
    station = house.stations.find("CP01")
    assert station is not None
    trouble = trouble_of(station)
    assert policy.unusable is not None
    assert trouble == Problem("configuration_unusable:cp01", policy.unusable)
    assert trouble in problems_of_stations(house.stations)
    await house.stations.stop()


async def test_a_charger_that_is_refused_is_not_said_to_lack_power() -> None:
    house = House(directory=naming("CP01", policy=replace(POLICY, password="secret")))
    await house.stations.start()
    assert (await house.refuse("CP01")).status == 401
    found = {problem.what: problem.text for problem in problems_of_stations(house.stations)}
    assert set(found) == {"charger_refused:cp01", "charger_offline:cp01"}
    assert len(set(found.values())) == 1
    assert found["charger_refused:cp01"].startswith("CP01: refused with 401, because ")
    await house.stations.stop()


async def test_a_refusal_is_over_once_the_charger_is_in() -> None:
    house = House(directory=naming("CP01"))
    await house.stations.start()
    house.dialer.outcomes.put_nowait(DialVerdict(403))
    assert (await house.refuse("CP01")).status == 403
    station = house.stations.find("CP01")
    assert station is not None
    assert trouble_of(station) is not None
    await house.connect("CP01")
    assert trouble_of(station) is None
    await house.stations.stop()


async def test_who_knocks_is_a_notice_with_the_command_to_paste() -> None:
    house = House(Unknown.QUARANTINE)
    await house.stations.start()
    await house.refuse("CP 01; rm")
    [entry] = house.stations.quarantine.latest(1)
    assert isinstance(entry, Quarantined)
    [problem] = problems_of_stations(house.stations)
    assert (problem.what, problem.gravity) == ("quarantined", Gravity.NOTICE)
    assert problem.text.endswith("let it in with: evgate charger adopt 'CP 01; rm'")
    await house.stations.stop()


async def test_a_store_that_fails_is_an_error() -> None:
    house = House()
    house.store.failure = "The disk is full: free some space."
    await house.stations.start()
    assert list(problems_of_stations(house.stations)) == [
        Problem("store_failed", "The disk is full: free some space.", Gravity.ERROR)
    ]


@pytest.mark.parametrize(("wanted", "gravity"), [(True, Gravity.WARNING), (False, Gravity.NOTICE)])
def test_a_broker_matters_where_one_is_configured(wanted: bool, gravity: Gravity) -> None:
    [problem] = problems_of_broker(GONE, wanted=wanted)
    assert (problem.what, problem.gravity) == ("mqtt_offline", gravity)
    assert problem.text == "nothing is published on MQTT: connection refused; see that the broker runs"
    [unasked] = problems_of_broker(replace(GONE, last_error=None), wanted=wanted)
    assert unasked.text.endswith("127.0.0.1:1883 has not answered yet; see that the broker runs")
    assert list(problems_of_broker(replace(GONE, connected=True), wanted=wanted)) == []


def test_a_clock_that_nobody_confirmed() -> None:
    house = House()
    assert list(problems_of_clock(house.timekeeping)) == []
    safekeeping = house.stations.safekeeping
    asked = Timekeeping(False, house.clock, StandingTimeSync(), safekeeping, house.notes)
    assert asked.trust == Trust.FLOOR.value
    [problem] = problems_of_clock(asked)
    assert (problem.what, problem.gravity) == ("clock_unconfirmed", Gravity.NOTICE)
    assert 'set [site] clock = "trusted"' in problem.text
    # An upstream that is an hour ahead of a clock that was set by hand.
    house.timekeeping.learn(LearnTime("operator", house.clock.now().wall + timedelta(hours=1), 0.1, house.clock.now()))
    assert house.timekeeping.problem is not None
    assert list(problems_of_clock(house.timekeeping)) == [Problem("clock_disagrees", house.timekeeping.problem)]


@pytest.mark.parametrize(
    ("charger_ts", "told"),
    [
        ("2026-03-01T10:00:00Z", "2.0 h fast"),
        ("2026-03-01T07:50:00Z", "10 min slow"),
        ("2026-03-01T08:02:00Z", None),
    ],
)
async def test_a_charger_whose_clock_is_far_off_is_named(charger_ts: str, told: str | None) -> None:
    house = House(directory=naming("CP01"))
    await house.stations.start()
    charger = await house.connect()
    status = (
        '[2,"1","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available","timestamp":"%s"}]'
    )
    await charger.from_charger.text(status % charger_ts)
    await charger.up.until(1)
    found = {problem.what: problem for problem in problems_of_stations(house.stations)}
    assert list(found) == (["clock_skew:cp01"] if told else [])
    if told:
        assert found["clock_skew:cp01"].gravity is Gravity.NOTICE
        assert f"the clock of CP01 is {told}: " in found["clock_skew:cp01"].text
    await house.stations.stop()


async def test_a_store_that_was_set_aside_is_named_until_the_next_start() -> None:
    house = House(directory=naming())
    house.store.set_aside = "/var/lib/evgate/evgate.db.damaged-20260301T080000"
    await house.stations.start()
    [problem] = problems_of_stations(house.stations)
    assert (problem.what, problem.gravity) == ("store_set_aside", Gravity.WARNING)
    assert house.store.set_aside in problem.text
    await house.stations.stop()
