"""What an installer does with the commands: look, let a charger in, let it go, ask what is wrong."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from gateway.commands.ask import AskFailed
from gateway.sim import SimCsms
from tests.support.broker import Broker
from tests.support.commands import evgate, typed
from tests.support.daemon import daemon
from tests.support.mqtt import Subscriber
from tests.support.site import Site, config, site, within

BASE = "evgate/test"

ODD = ["CP 01 ", " ", "Zür\N{NO-BREAK SPACE}ich 🔌", "100%25", "Cp-Case", 'it\'s $(true) "so"', "-dash", "a\\x41"]
"""Identities as chargers have them, and as nobody can type them."""

REPORT = {
    "": {
        *("version", "site", "site_name", "started", "uptime_s", "health", "configuration", "listeners", "chargers"),
        *("quarantined", "upstreams", "mqtt", "store", "clock", "problems"),
    },
    "configuration": {"files", "in_use", "since", "problems"},
    "listeners": {"address", "tls", "passed", "open", "problem"},
    "chargers": {
        *("identity", "slug", "name", "standing", "online", "since", "last_seen", "address", "subprotocol"),
        *("upstream", "upstream_online", "connectors", "problem", "clock_skew_s", "quirks"),
    },
    "connectors": {
        *("connector", "status", "condition", "error_code", "since", "stale", "unexpected_transitions"),
    },
    "quarantined": {"identity", "address", "subprotocols", "credentials", "reason", "last_seen", "attempts"},
    "upstreams": {"name", "url", "links", "online", "problem"},
    "mqtt": {"broker", "base", "connected", "protocol", "connected_since", "reconnects", "problem"},
    "store": {"path", "bytes", "problem"},
    "clock": {"trust", "source", "offset_ms"},
    "problems": {"what", "level", "text"},
}
"""Keys of every object in the report; whoever parses it relies on them."""


async def test_a_stranger_is_listed_adopted_and_served_for_good(tmp_path: Path) -> None:
    async with Broker() as broker, Subscriber(broker.port) as mqtt, SimCsms() as csms:
        text = config(csms.url, unknown="quarantine", mqtt=f'url = "mqtt://127.0.0.1:{broker.port}"')
        async with daemon(tmp_path, text) as running:
            here = Site(csms, running)
            for identity in ODD:
                assert await here.status_of(identity) == 404, identity
            # In another spelling it is the same charger, listed as it came last.
            assert await here.status_of("CP-CASE", password="shown", subprotocols=["ocpp2.0.1", "ocpp1.6"]) == 404
            listed = (await evgate(running.control, "charger", "list", "--json")).json()
            assert listed["chargers"] == []
            strangers = {stranger["identity"]: stranger for stranger in listed["quarantined"]}
            assert set(strangers) == {*ODD, "CP-CASE"} - {"Cp-Case"}
            last = strangers["CP-CASE"]
            assert (last["attempts"], last["credentials"]) == (2, True)
            assert last["subprotocols"] == ["ocpp2.0.1", "ocpp1.6"]
            assert last["reason"] == "unknown identity"
            assert last["address"].startswith("127.0.0.1:")
            assert not strangers["CP 01 "]["credentials"]
            shown = await evgate(running.control, "charger", "list")
            adopted = await typed(running.control, *_commands(shown.out))
            assert adopted.status == 0, adopted.err
            assert adopted.out.count("is adopted") == len(ODD)
            chargers = (await running.ask("chargers"))["chargers"]
            assert {charger["standing"] for charger in chargers} == {"adopted"}
            await _served(here, mqtt, ODD)
            await running.end(signal.SIGKILL)
        async with daemon(tmp_path, text) as running:
            here = Site(csms, running)
            assert {charger["standing"] for charger in (await running.ask("chargers"))["chargers"]} == {"adopted"}
            await _served(here, mqtt, ODD)
            assert await here.status_of("another") == 404


async def _served(here: Site, mqtt: Subscriber, identities: list[str]) -> None:
    """Each is brought to the CSMS under its exact name, and its state is told on MQTT."""
    chargers = {charger["identity"].casefold(): charger for charger in (await here.daemon.ask("chargers"))["chargers"]}
    assert len(chargers) == len(identities)
    for identity in identities:
        base = f"{BASE}/charger/{chargers[identity.casefold()]['slug']}"
        async with here.charger(identity) as charger:
            await here.call_both_ways(charger)
            await within(charger.status(1, "Charging"))
            await mqtt.wait_for(f"{base}/status", lambda text: text == "online")
            await mqtt.wait_json(f"{base}/connector/1/state", lambda fact: fact["status"] == "Charging")


def _commands(listing: str) -> list[str]:
    """What the list offers to be pasted into a shell; a long one has a line of its own."""
    return [f"evgate {line.partition('evgate ')[2]}" for line in listing.splitlines() if "evgate charger adopt" in line]


async def test_what_cannot_be_adopted_is_said(tmp_path: Path) -> None:
    async with site(tmp_path, '[[charger]]\nidentity = "CONFIGURED"\n', unknown="quarantine") as here:
        control = here.daemon.control
        assert await here.status_of("CHARGER 7 ") == 404
        typo, configured = await asyncio.gather(
            evgate(control, "charger", "adopt", "CHARGER-7"), evgate(control, "charger", "adopt", "configured")
        )
        assert (typo.status, configured.status) == (1, 1)
        assert "did you mean 'CHARGER 7 '?" in typo.err
        assert "stands in the configuration already" in configured.err
        assert "CHARGER 7" in (await here.daemon.ask("adopt", identity="charger 7 "))["done"]
        twice, never = await asyncio.gather(
            evgate(control, "charger", "adopt", "CHARGER 7 "), evgate(control, "charger", "adopt", "elsewhere")
        )
        assert (twice.status, never.status) == (1, 1)
        assert "is known already (adopted): nothing is left to do" in twice.err
        assert "one that never knocked is named in a [[charger]]" in never.err


async def test_forgotten_it_is_a_stranger_again(tmp_path: Path) -> None:
    async with site(tmp_path, '[[charger]]\nidentity = "CONFIGURED"\n', unknown="quarantine") as here:
        control = here.daemon.control
        assert await here.status_of("GUEST") == 404
        await here.daemon.ask("adopt", identity="GUEST")
        async with here.charger("GUEST") as charger:
            await here.call_both_ways(charger)
            configured, refused = await asyncio.gather(
                evgate(control, "charger", "forget", "CONFIGURED"), evgate(control, "charger", "forget", "guest")
            )
            assert (configured.status, refused.status) == (1, 1)
            assert f"CONFIGURED stands in {here.daemon.config}" in configured.err
            assert "is connected" in refused.err
            assert "evgate charger forget --force GUEST" in refused.err
            await here.call_both_ways(charger)
            forced = await evgate(control, "charger", "forget", "--force", "GUEST")
            assert forced.status == 0, forced.err
            assert (await charger.wait_closed())[0] == 1008
        assert await here.status_of("GUEST") == 404
        lists = await here.daemon.ask("chargers")
        assert [charger["identity"] for charger in lists["chargers"]] == ["CONFIGURED"]
        assert [stranger["identity"] for stranger in lists["quarantined"]] == ["GUEST"]
        assert "off the quarantine list" in (await here.daemon.ask("forget", identity="GUEST"))["done"]
        with pytest.raises(AskFailed, match="GUEST is not known: see evgate charger list"):
            await here.daemon.ask("forget", identity="GUEST")


async def test_forgotten_it_stays_so_after_a_restart(tmp_path: Path) -> None:
    async with SimCsms() as csms:
        async with daemon(tmp_path, config(csms.url)) as running:
            assert await Site(csms, running).status_of("GUEST") == 101
            assert "forgotten" in (await running.ask("forget", identity="GUEST", force=True))["done"]
            await running.end(signal.SIGKILL)
        async with daemon(tmp_path, config(csms.url, unknown="quarantine")) as running:
            assert (await running.ask("chargers"))["chargers"] == []
            assert await Site(csms, running).status_of("GUEST") == 404


async def test_what_a_forgotten_charger_left_on_mqtt_is_cleared_at_the_latest_at_the_end(tmp_path: Path) -> None:
    async with Broker() as broker, Subscriber(broker.port) as mqtt:
        async with site(tmp_path, mqtt=f'url = "mqtt://127.0.0.1:{broker.port}"') as here:
            async with here.charger("GUEST") as charger:
                await within(charger.status(1, "Charging"))
                await mqtt.wait_for(f"{BASE}/charger/guest/connector/1/state")
                await here.daemon.ask("forget", identity="GUEST", force=True)
            assert await here.daemon.end() == 0
        await mqtt.wait_for(f"{BASE}/status", lambda text: text == "offline")
        left = {topic for topic, payload in mqtt.latest.items() if payload and topic.startswith(f"{BASE}/charger")}
        assert left == set()


async def test_mqtt_shows_the_quarantine_at_once_and_who_is_trusted_with_the_time(tmp_path: Path) -> None:
    async with Broker() as broker, Subscriber(broker.port) as mqtt:
        url = f'url = "mqtt://127.0.0.1:{broker.port}"'
        async with site(tmp_path, unknown="quarantine", mqtt=url) as here:
            state = await mqtt.wait_json(f"{BASE}/gateway/state")
            report = await here.daemon.ask("status")
            assert state["clock"] == report["clock"]
            assert report["clock"]["trust"] in ("synced", "floor")
            assert await here.status_of("CP 01 ") == 404
            state = await mqtt.wait_json(f"{BASE}/gateway/state", lambda fact: fact["quarantine"] == 1, 3.0)
            assert [entry["identity"] for entry in state["quarantined"]] == ["CP 01 "]
            await here.daemon.ask("adopt", identity="CP 01 ")
            await mqtt.wait_json(f"{BASE}/gateway/state", lambda fact: fact["quarantine"] == 0, 3.0)
            async with here.charger("CP 01 ") as charger:
                # Its CSMS tells the time with every answer to this.
                await within(charger.heartbeat())
                clock = (await here.daemon.ask("status"))["clock"]
                if clock["trust"] != "synced":
                    assert (clock["trust"], clock["source"]) == ("learned", "operator")


async def test_the_report_has_everything_that_was_promised(tmp_path: Path) -> None:
    async with site(tmp_path, unknown="quarantine") as here:
        assert await here.status_of("CP1") == 404
        await here.daemon.ask("adopt", identity="CP1")
        assert await here.status_of("STRANGER") == 404
        async with here.charger("CP1") as charger:
            await within(charger.status(1, "Charging"))
            asked = await asyncio.gather(
                evgate(here.daemon.control, "status", "--json"), evgate(here.daemon.control, "status")
            )
            report = asked[0].json()
            [known] = report["chargers"]
            assert (known["online"], known["upstream"], known["upstream_online"]) == (True, "operator", True)
            assert (known["connectors"][0]["status"], known["connectors"][0]["stale"]) == ("Charging", False)
        objects = {"": report, **report, "connectors": known["connectors"]}
        for name, keys in REPORT.items():
            rows = objects[name] if isinstance(objects[name], list) else [objects[name]]
            assert rows, name
            assert all(set(row) == keys for row in rows), (name, rows)
        assert (report["health"], report["configuration"]["in_use"]) == ("degraded", "current")
        assert [problem["what"] for problem in report["problems"]].count("mqtt_offline") == 1
        assert report["listeners"][0]["address"] == f"127.0.0.1:{here.port}"
        for part in ("CP1", "STRANGER", "operator", "Listener:", "MQTT:", "Store:", "Clock:", str(here.daemon.config)):
            assert part in asked[1].out


async def test_without_a_daemon_it_is_said_how_to_start_one(tmp_path: Path) -> None:
    said = await asyncio.gather(
        *(evgate(tmp_path / "control.sock", *command.split()) for command in ("status", "charger list", "log -f"))
    )
    for one in said:
        assert (one.status, one.out) == (1, "")
        assert "evgate does not run" in one.err
        assert "sudo systemctl start evgate" in one.err
        assert "Traceback" not in one.err
