"""What an installer or a machine gets wrong: one clear sentence each, and the best service that is still possible."""

from __future__ import annotations

import json
import resource
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.sim import Refused, SimCsms
from tests.adapters.certificates import Authority
from tests.support.broker import Broker
from tests.support.commands import evgate
from tests.support.daemon import Daemon, daemon
from tests.support.failing import run_to_the_end
from tests.support.mqtt import Subscriber
from tests.support.site import Site, config, site

OPEN_AGAIN_WITHIN_S = 10.0

OUT_OF_SERVICE = "out of service: ask the site's installer to see evgate status\n"
"""A charger is told no more: it may be nobody's."""

NEWER = 1000
"""A version of the database that no gateway has written yet."""


def service(folder: Path) -> dict[str, str]:
    """What systemd tells a service of its state folder."""
    return {"STATE_DIRECTORY": str(folder / "state")}


async def _problems(running: Daemon) -> dict[str, str]:
    """What the report says is wrong; of several alike the last."""
    return {problem["what"]: problem["text"] for problem in (await running.ask("status"))["problems"]}


async def _told_503(here: Site, identity: str) -> str:
    """This charger is kept out; returns what it is told."""
    with pytest.raises(Refused) as refused:
        await here.charger(identity).connect()
    assert refused.value.status == 503
    return refused.value.body.decode()


# The configuration of a service


async def test_after_a_broken_edit_a_service_runs_on_the_last_good_configuration(tmp_path: Path) -> None:
    kept = tmp_path / "state" / "last-good.json"
    async with SimCsms() as csms:
        good = config(csms.url, '[[charger]]\nidentity = "CP1"\n', unknown="refuse")
        async with daemon(tmp_path, good, environ=service(tmp_path)) as running:
            here = Site(csms, running)
            async with here.charger("CP1") as charger:
                await here.call_both_ways(charger)
            assert await running.end() == 0
        assert kept.stat().st_mode & 0o777 == 0o600
        remembered = kept.read_bytes()
        assert "CP1" in json.loads(remembered)["files"][0]["text"]
        broken = good.replace("identity", "identty")
        async with daemon(tmp_path, broken, level="info", environ=service(tmp_path)) as running:
            here = Site(csms, running)
            assert await here.status_of("CP1") == 101
            assert await here.status_of("CP2") == 404
            line = await running.logged("charger[#1].identty: is not a known key; did you mean identity?")
            assert " ERROR " in line
            assert " ERROR " in await running.logged("running on the last good configuration, kept on ")
            assert " ERROR " in await running.logged("charger[#1].identity: is missing")
            report = await running.ask("status")
            in_use = report["configuration"]
            assert (in_use["in_use"], report["health"]) == ("last_good", "degraded")
            assert in_use["since"] == json.loads(remembered)["remembered"].replace("+00:00", "Z")
            assert len(in_use["problems"]) == 2
            assert {"configuration_rejected", "last_good_configuration"} <= set(await _problems(running))
            shown = await evgate(running.control, "status")
            assert "the LAST GOOD ones of" in shown.out
            assert kept.read_bytes() == remembered
            running.reload(good.replace("CP1", "CP2"))
            await running.logged("the configuration was read anew, and is in use")
            assert (await running.ask("status"))["configuration"]["in_use"] == "current"
            assert await here.status_of("CP2") == 101
        assert kept.read_bytes() != remembered


@pytest.mark.parametrize(
    ("last_good", "sentence"),
    [
        (None, None),
        ("{", "last-good.json: the last good configuration cannot be used: it is damaged; correct the present"),
        ('{"v": 99}', "last-good.json: the last good configuration cannot be used: another version of evgate wrote it"),
    ],
)
async def test_without_a_last_good_one_every_problem_is_said(
    tmp_path: Path, last_good: str | None, sentence: str | None
) -> None:
    (tmp_path / "state").mkdir()
    if last_good is not None:
        (tmp_path / "state" / "last-good.json").write_text(last_good)
    broken = '[chargers]\nunknwon = "accept"\n[[upstream]]\nname = "a"\nurl = "http://x"\n'
    ended = await run_to_the_end(tmp_path, broken, service(tmp_path))
    assert ended.status == 1
    lines = ended.text.splitlines()
    assert "chargers.unknwon: is not a known key; did you mean unknown?" in lines[0]
    assert "upstream[a].url: must begin with ws:// or wss://" in lines[1]
    assert len(lines) == (2 if sentence is None else 3)
    assert sentence is None or sentence in lines[2]


async def test_a_state_folder_that_takes_no_file_costs_only_the_fallback(tmp_path: Path) -> None:
    # Nobody can make a file there, root neither.
    async with site(tmp_path, environ={"STATE_DIRECTORY": "/proc/1"}) as here:
        line = await here.daemon.logged("the last good configuration cannot be kept in /proc/1")
        assert " WARNING " in line
        assert await here.status_of("CP1") == 101


# Secrets, keys and certificates


async def test_what_cannot_be_read_costs_only_its_own_part(tmp_path: Path) -> None:
    secret, folder = tmp_path / "charger.secret", tmp_path / "folder"
    folder.mkdir()
    pair = Authority(tmp_path, "site").issue("gateway", "IP:127.0.0.1")
    key = pair.key.rename(tmp_path / "elsewhere.key")
    more = f"""
[[charger]]
identity = "LOCKED"
password = {{ file = "{secret}" }}
[[charger]]
identity = "OPEN"
[chargers.tls]
listen = "127.0.0.1:0"
certificate = "{pair.certificate}"
key = "{pair.key}"
"""
    async with Broker() as broker, Subscriber(broker.port) as mqtt:
        url = f'url = "mqtt://127.0.0.1:{broker.port}"\nusername = "u"\npassword = {{ file = "{folder}" }}'
        async with site(tmp_path, more, mqtt=url, level="info", environ=service(tmp_path)) as here:
            sentence = f"charger LOCKED is refused: {here.daemon.config}:21: charger[LOCKED].password: there is no file"
            async with here.charger("OPEN") as charger:
                await here.call_both_ways(charger)
                assert await _told_503(here, "LOCKED") == OUT_OF_SERVICE
                told = {
                    sentence: "then run: systemctl reload evgate",
                    "nothing is published on MQTT: ": f"{folder} is a folder; name a file in it",
                    "chargers cannot connect with wss://: ": "then run: systemctl restart evgate",
                }
                report = await here.daemon.ask("status")
                for part, advice in told.items():
                    line = await here.daemon.logged(part)
                    assert " ERROR " in line
                    assert advice in line
                    assert sum(part in problem for problem in report["configuration"]["problems"]) == 1
                    assert any(part in problem["text"] for problem in report["problems"])
                texts = [problem["text"] for problem in report["problems"]]
                assert len(texts) == len(set(texts))
                assert report["health"] == "critical"
                assert str(folder) in report["mqtt"]["problem"]
                plain, tls = report["listeners"]
                assert (plain["open"], plain["problem"]) == (True, None)
                assert (tls["tls"], tls["open"]) == (True, False)
                assert str(pair.key) in tls["problem"]
                assert not (tmp_path / "state" / "last-good.json").exists()
                # Repaired, what a reload can take over is taken over, and what it cannot is still said.
                secret.write_text("open-sesame\n")
                key.rename(pair.key)
                here.daemon.reload(config(here.csms.url, more, mqtt=url))
                await here.daemon.logged("the configuration was read anew, and is in use")
                async with here.charger("LOCKED", password="open-sesame") as locked:
                    await here.call_both_ways(locked)
                assert not (await here.daemon.ask("status"))["listeners"][1]["open"]
                assert charger.connect_count == 1
        assert mqtt.messages == []


async def test_an_upstream_whose_login_cannot_be_read_is_not_dialled(tmp_path: Path) -> None:
    absent = tmp_path / "absent"
    async with SimCsms() as lost, SimCsms() as csms:
        second = (
            f'[[upstream]]\nname = "second"\nurl = "{csms.url}"\n[[charger]]\nidentity = "OURS"\nupstream = "second"\n'
        )
        text = config(lost.url, second).replace("[mqtt]", f'password = {{ file = "{absent}" }}\n[mqtt]', 1)
        async with daemon(tmp_path, text, environ=service(tmp_path)) as running:
            here = Site(csms, running)
            async with here.charger("OURS") as charger:
                await here.call_both_ways(charger)
                assert await _told_503(here, "THEIRS") == OUT_OF_SERVICE
            line = await running.logged("upstream operator is not dialled: ")
            assert line.endswith("create it or correct the path, then run: systemctl reload evgate")
            upstreams = {one["name"]: one for one in (await running.ask("status"))["upstreams"]}
            assert str(absent) in upstreams["operator"]["problem"]
            assert upstreams["second"]["problem"] is None
            assert lost.stations == {}
            absent.write_text("from-the-operator")
            running.reload(text)
            await running.logged("the configuration was read anew, and is in use")
            assert await here.status_of("THEIRS") == 101
            assert set(await _problems(running)) <= {"mqtt_offline", "clock_unconfirmed"}


# Sockets


async def test_a_port_in_use_costs_only_its_listener_and_only_for_a_while(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as squatter:
        port = squatter.getsockname()[1]
        async with SimCsms() as csms:
            both = f'listen = ["127.0.0.1:0", "127.0.0.1:{port}"]'
            text = config(csms.url).replace('listen = "127.0.0.1:0"', both)
            async with daemon(tmp_path, text, level="info") as running:
                here = Site(csms, running)
                async with here.charger("CP1") as charger:
                    await here.call_both_ways(charger)
                    line = await running.logged(f"cannot listen on 127.0.0.1:{port} (Address already in use)")
                    assert " ERROR " in line
                    assert "find it with `ss -ltnp`" in line
                    problems, report = await _problems(running), await running.ask("status")
                    assert [listener["open"] for listener in report["listeners"]] == [True, False]
                    assert problems[f"listen_failed:127.0.0.1:{port}"] == report["listeners"][1]["problem"]
                    assert report["health"] == "critical"
                    squatter.close()
                    await running.logged(f"chargers can connect at 127.0.0.1:{port} now", OPEN_AGAIN_WITHIN_S)
                    report = await running.ask("status")
                    assert [listener["open"] for listener in report["listeners"]] == [True, True]
                    assert f"listen_failed:127.0.0.1:{port}" not in await _problems(running)
                    assert charger.connect_count == 1


async def test_without_a_control_socket_it_serves(tmp_path: Path) -> None:
    path = tmp_path / "absent" / "control.sock"
    async with site(tmp_path, level="info", environ={"EVGATE_CONTROL": str(path)}) as here:
        line = await here.daemon.logged(f"no control socket at {path}")
        assert " WARNING " in line
        assert "make its folder, or start evgate by systemd" in line
        assert await here.status_of("CP1") == 101
        assert (await evgate(path, "status")).status == 1
        assert await here.daemon.end() == 0


async def test_a_second_daemon_takes_nothing_from_the_first(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        (tmp_path / "second").mkdir()
        again = {"EVGATE_CONTROL": str(here.daemon.control)}
        async with daemon(tmp_path / "second", config(here.csms.url), environ=again) as other:
            assert " WARNING " in await other.logged("another daemon answers there")
            assert await other.end() == 0
        assert (await here.daemon.ask("status"))["store"]["path"] == f"{tmp_path}/state/evgate.db"


# The store


async def test_a_disk_that_takes_nothing_is_said_and_nobody_is_turned_away(tmp_path: Path) -> None:
    async with site(tmp_path, unknown="quarantine") as here:
        assert await here.status_of("STRANGER") == 404
        # Not one byte goes into a file from here on.
        resource.prlimit(here.daemon.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        said = await evgate(here.daemon.control, "charger", "adopt", "STRANGER")
        assert said.status == 0, said.err
        assert "It is not stored yet: The disk did not read or write the store" in " ".join(said.out.split())
        async with here.charger("STRANGER") as charger:
            await here.call_both_ways(charger)
            report = await here.daemon.ask("status")
        assert report["health"] == "critical"
        assert str(tmp_path / "state") in report["store"]["problem"]
        assert (await _problems(here.daemon))["store_failed"] == report["store"]["problem"]
        assert " ERROR " in await here.daemon.logged("not stored yet: ")


async def test_a_database_of_a_newer_version_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "state" / "evgate.db"
    async with SimCsms() as csms:
        async with daemon(tmp_path, config(csms.url)) as running:
            assert await Site(csms, running).status_of("KNOWN") == 101
            assert await running.end() == 0
        with closing(sqlite3.connect(file)) as database:
            database.execute(f"PRAGMA user_version = {NEWER}")
        before = file.read_bytes()
        text = config(csms.url, '[[charger]]\nidentity = "OURS"\n', unknown="quarantine")
        async with daemon(tmp_path, text, environ=service(tmp_path)) as running:
            here = Site(csms, running)
            async with here.charger("OURS") as charger:
                await here.call_both_ways(charger)
                # It may have been let in before: a reason to wait, and none to give up.
                assert "see its log" in await _told_503(here, "KNOWN")
            report = await running.ask("status")
            assert f"has version {NEWER}, and this evgate knows versions up to" in report["store"]["problem"]
            assert "Install the newer evgate again" in report["store"]["problem"]
            assert report["health"] == "critical"
            assert " ERROR " in await running.logged("running without a store")
            assert await running.end() == 0
        assert file.read_bytes() == before
