"""SIGHUP: another configuration under live sessions, and a broken one that disturbs nobody."""

from __future__ import annotations

import signal
from functools import partial
from pathlib import Path

import pytest

from gateway.commands.ask import AskFailed
from gateway.sim import SimCsms
from tests.support.broker import Broker
from tests.support.daemon import Daemon, contains, daemon
from tests.support.mqtt import Subscriber
from tests.support.site import NOWHERE, Site, config, site, within

STATE = "evgate/test/gateway/state"

REJECTED = "configuration_rejected"

GOES_ON = "evgate goes on with the configuration that it has: correct this, then systemctl reload evgate"

TAKEN = "the configuration was read anew, and is in use"

BURST = 20
"""Signals: somebody's script gone wrong."""


def named(*identities: str, more: str = "") -> str:
    """A `[[charger]]` for each; `more` are further keys of each."""
    return "".join(f'[[charger]]\nidentity = "{identity}"\n{more}' for identity in identities)


async def reloaded(running: Daemon, text: str, times: int = 1) -> None:
    """Take this configuration, for the so many-th time."""
    running.reload(text)
    await running.logged(TAKEN, times=times)


async def test_a_charger_is_added_and_one_is_removed(tmp_path: Path) -> None:
    async with SimCsms() as csms:
        before = config(csms.url, named("STAYS", "GOES"), unknown="quarantine")
        async with daemon(tmp_path, before) as running:
            here = Site(csms, running)
            async with here.charger("STAYS") as stays, here.charger("GOES") as goes:
                assert await here.status_of("COMES") == 404
                await here.call_both_ways(goes)
                await reloaded(running, config(csms.url, named("STAYS", "COMES"), unknown="quarantine"))
                assert (await goes.wait_closed())[0] == 1008
                assert await here.status_of("GOES") == 404
                lists = await running.ask("chargers")
                assert {charger["identity"] for charger in lists["chargers"]} == {"STAYS", "COMES"}
                assert [(one["identity"], one["reason"]) for one in lists["quarantined"]] == [
                    ("GOES", "no longer configured")
                ]
                async with here.charger("COMES") as comes:
                    await here.call_both_ways(comes)
                # Taken back in, it is who it was.
                await reloaded(running, before, times=2)
                assert await here.status_of("GOES") == 101
                await here.call_both_ways(stays)
                assert stays.connect_count == len(here.upstream("STAYS").upgrades) == 1
            lists = await running.ask("chargers")
            assert {charger["identity"] for charger in lists["chargers"]} == {"STAYS", "GOES"}


async def test_one_that_was_removed_can_be_adopted(tmp_path: Path) -> None:
    async with site(tmp_path, named("CP1"), unknown="quarantine") as here:
        async with here.charger("CP1") as charger:
            await here.call_both_ways(charger)
            await reloaded(here.daemon, config(here.csms.url, unknown="quarantine"))
            await charger.wait_closed()
        assert await here.status_of("CP1") == 404
        await here.daemon.ask("adopt", identity="CP1")
        assert await here.status_of("CP1") == 101
        [known] = (await here.daemon.ask("chargers"))["chargers"]
        assert (known["standing"], known["slug"]) == ("adopted", "cp1")


async def test_sessions_move_with_their_upstream_and_others_stay(tmp_path: Path) -> None:
    async with SimCsms() as old, SimCsms() as new, SimCsms() as other:
        second = f'[[upstream]]\nname = "second"\nurl = "{other.url}"\n' + named("OTHER", more='upstream = "second"\n')
        async with daemon(tmp_path, config(old.url, second)) as running:
            here, there, beside = Site(old, running), Site(new, running), Site(other, running)
            async with here.charger("MOVES") as moves, here.charger("OTHER") as stays:
                await here.call_both_ways(moves)
                await beside.call_both_ways(stays)
                await reloaded(running, config(new.url, second))
                assert (await moves.wait_closed())[0] == 1012
                await within(here.upstream("MOVES").wait_closed())
                await moves.connect()
                await there.call_both_ways(moves)
                assert len(here.upstream("MOVES").upgrades) == 1
                await beside.call_both_ways(stays)
                assert stays.connect_count == len(beside.upstream("OTHER").upgrades) == 1
                upstreams = {one["name"]: one for one in (await running.ask("status"))["upstreams"]}
                assert upstreams["operator"]["url"] == new.url
                assert [(one["links"], one["online"]) for one in upstreams.values()] == [(1, 1), (1, 1)]


async def test_the_log_level_changes_at_once(tmp_path: Path) -> None:
    async with site(tmp_path, level="warning") as here:
        await within(here.status_of("BEFORE"))
        here.daemon.level = "info"
        await reloaded(here.daemon, config(here.csms.url))
        await within(here.status_of("AFTER"))
        await here.daemon.logged("AFTER: connected from")
        assert not any("BEFORE: connected from" in line for line in here.daemon.lines)


async def test_what_takes_a_restart_is_said_until_it_is_undone(tmp_path: Path) -> None:
    async with site(tmp_path) as here, here.charger("CP1") as charger:
        before = config(here.csms.url)
        changed = before.replace('"127.0.0.1:0"', '["127.0.0.1:0", "127.0.0.2:0"]')
        changed = changed.replace(NOWHERE, 'url = "mqtt://127.0.0.1:2"')
        sentences = [
            f"{key} has changed, which takes a restart: systemctl restart evgate"
            for key in ("chargers.listen", "mqtt.url")
        ]
        await reloaded(here.daemon, changed)
        for sentence in sentences:
            assert " WARNING " in await here.daemon.logged(sentence)
        assert await _problems(here.daemon, "restart_needed") == sentences
        assert len((await here.daemon.ask("status"))["listeners"]) == 1
        await reloaded(here.daemon, before, times=2)
        assert await _problems(here.daemon, "restart_needed") == []
        await reloaded(here.daemon, changed, times=3)
        assert " WARNING " in await here.daemon.logged(sentences[0], times=2)
        await here.call_both_ways(charger)


async def test_a_broken_edit_is_rejected_and_the_next_good_one_taken(tmp_path: Path) -> None:
    absent = tmp_path / "absent"
    async with Broker() as broker, Subscriber(broker.port) as mqtt, SimCsms() as csms:
        good = config(csms.url, mqtt=f'url = "mqtt://127.0.0.1:{broker.port}"')
        broken = {
            "is not valid TOML here": f"{good}[broken",
            "is not a known key; did you mean unknown?": good.replace("unknown", "unknwon"),
            f"there is no file {absent}": good + named("CP2", more=f'password = {{ file = "{absent}" }}\n'),
            '"CP1" is already used in': good + named("CP1", "CP1"),
        }
        async with daemon(tmp_path, good, level="info") as running:
            here = Site(csms, running)
            async with here.charger("CP1") as charger:
                await here.call_both_ways(charger)
                since = (await running.ask("status"))["chargers"][0]["since"]
                for sentence, text in broken.items():
                    running.reload(text)
                    line = await running.logged(partial(contains, sentence))
                    assert " ERROR " in line
                    assert line.endswith(GOES_ON)
                    report = await running.ask("status")
                    [problem] = report["configuration"]["problems"]
                    assert sentence in problem
                    assert report["configuration"]["in_use"] == "current"
                    assert await _problems(running, REJECTED) == [f"the configuration is not in use: {problem}"]
                    assert report["chargers"][0]["since"] == since
                    state = await mqtt.wait_json(STATE, lambda fact: REJECTED in fact["reasons"])
                    assert state["health"] == report["health"] == "degraded"
                    await here.call_both_ways(charger)
                await reloaded(running, good)
                report = await running.ask("status")
                assert (report["configuration"]["problems"], report["health"]) == ([], "ok")
                assert await _problems(running, REJECTED) == []
                await mqtt.wait_json(STATE, lambda fact: REJECTED not in fact["reasons"])
                await here.call_both_ways(charger)
                assert charger.connect_count == len(here.upstream("CP1").upgrades) == 1


async def test_drop_ins_count_and_what_is_none_is_named(tmp_path: Path) -> None:
    async with site(tmp_path, unknown="refuse") as here:
        running, text = here.daemon, config(here.csms.url, unknown="refuse")
        drop_in = tmp_path / "conf.d" / "gate.toml"
        drop_in.parent.mkdir()
        drop_in.write_text(named("CP1"))
        await reloaded(running, text)
        async with here.charger("CP1") as charger:
            await here.call_both_ways(charger)
            assert (await running.ask("status"))["configuration"]["files"] == [str(running.config), str(drop_in)]
            with pytest.raises(AskFailed, match=f"CP1 stands in {drop_in}: remove it there and reload evgate"):
                await running.ask("forget", identity="CP1", force=True)
            drop_in.rename(drop_in.with_name("gate.old"))
            drop_in.mkdir()
            running.reload(text)
            await running.logged(f"{drop_in}: is a folder; move it out of the folder. {GOES_ON}")
            running.config.unlink()
            running.process.send_signal(signal.SIGHUP)
            await running.logged(f"{running.config}: there is no such file; ")
            await here.call_both_ways(charger)
        assert charger.connect_count == 1


async def test_every_mistake_is_told_each_time(tmp_path: Path) -> None:
    async with site(tmp_path, level="info") as here:
        good = config(here.csms.url)
        broken = good.replace("unknown", "unknwon").replace("idle_limit", "idle_limt")
        for times in (1, 2):
            here.daemon.reload(broken)
            await here.daemon.logged("did you mean unknown?", times=times)
            await here.daemon.logged("did you mean idle_limit?", times=times)
        assert len((await here.daemon.ask("status"))["configuration"]["problems"]) == 2


async def test_a_burst_of_signals_is_no_burden(tmp_path: Path) -> None:
    async with site(tmp_path) as here, here.charger("CP1") as charger:
        for _ in range(BURST):
            here.daemon.process.send_signal(signal.SIGHUP)
            await within(charger.heartbeat())
        # Whatever became of the others, the last one reads what stands there then.
        here.daemon.reload(config(here.csms.url).replace("127.0.0.1:0", "127.0.0.2:0"))
        await here.daemon.logged("chargers.listen has changed")
        await here.call_both_ways(charger)
        assert charger.connect_count == 1
        here.daemon.process.send_signal(signal.SIGHUP)
        assert await here.daemon.end() == 0


async def _problems(running: Daemon, what: str) -> list[str]:
    return [one["text"] for one in (await running.ask("status"))["problems"] if one["what"] == what]
