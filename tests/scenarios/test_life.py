"""How the daemon begins and ends, and what the broker, the store and a signal can do to it."""

from __future__ import annotations

import base64
import json
import signal
import time
from pathlib import Path

import pytest

from gateway.sim import SimCharger
from tests.support.broker import Broker
from tests.support.failing import run_to_the_end
from tests.support.mqtt import Subscriber
from tests.support.site import config, site, within

BASE = "evgate/test"
END_WITHIN_S = 5.0
WILL_WITHIN_S = 30.0


async def test_what_stands_on_the_broker_while_the_daemon_lives_and_after_its_end(tmp_path: Path) -> None:
    async with Broker() as broker, Subscriber(broker.port) as mqtt:
        for number in (signal.SIGTERM, signal.SIGINT):
            async with site(tmp_path, mqtt=_url(broker)) as here:
                assert here.daemon.ready.startswith("READY chargers at ws://127.0.0.1:")
                assert here.daemon.ready.endswith(f", MQTT below {BASE}")
                await mqtt.wait_for(f"{BASE}/status", lambda text: text == "online")
                charger = here.charger("CP1")
                await charger.connect()
                await charger.boot()
                await charger.status(1, "Charging")
                await mqtt.wait_for(f"{BASE}/charger/cp1/status", lambda text: text == "online")
                connector = f"{BASE}/charger/cp1/connector/1/state"
                state = await mqtt.wait_json(connector, lambda fact: fact["upstream_delivered"] and not fact["stale"])
                assert (state["status"], state["condition"], state["stale"]) == ("Charging", "charging", False)
                await mqtt.wait_json(f"{BASE}/gateway/state", lambda fact: fact["chargers"]["online"] == 1)
                before = time.monotonic()
                assert await here.daemon.end(number) == 0
                assert time.monotonic() - before < END_WITHIN_S
                assert (await within(charger.wait_closed()))[0] == 1012
                await within(here.upstream("CP1").wait_closed())
            # Retained: whoever subscribes now sees the same.
            async with Subscriber(broker.port) as later:
                await later.wait_for(f"{BASE}/status", lambda text: text == "offline")
                await later.wait_for(f"{BASE}/charger/cp1/status", lambda text: text == "offline")
                stale = await later.wait_json(connector)
                assert (stale["stale"], stale["stale_reason"], stale["status"]) == (True, "charger_offline", "Charging")
                assert (await later.wait_json(f"{BASE}/charger/cp1/state"))["online"] is False
                assert all(message.retain for message in later.messages)


async def test_a_killed_daemon_is_told_offline_by_the_broker(tmp_path: Path) -> None:
    async with Broker() as broker, Subscriber(broker.port) as mqtt, site(tmp_path, mqtt=_url(broker)) as here:
        await mqtt.wait_for(f"{BASE}/status", lambda text: text == "online")
        assert await here.daemon.end(signal.SIGKILL) == -signal.SIGKILL
        # The will waits for 15 s.
        await mqtt.wait_for(f"{BASE}/status", lambda text: text == "offline", WILL_WITHIN_S)


async def test_a_killed_daemon_that_is_back_at_once_was_never_away(tmp_path: Path) -> None:
    async with Broker() as broker, Subscriber(broker.port) as mqtt:
        async with site(tmp_path, mqtt=_url(broker)) as here, here.charger("CP1") as charger:
            await charger.status(1, "Available")
            await mqtt.wait_for(f"{BASE}/status", lambda text: text == "online")
            await mqtt.wait_for(f"{BASE}/charger/cp1/status", lambda text: text == "online")
            assert await here.daemon.end(signal.SIGKILL) == -signal.SIGKILL
        # The next life knows the charger, and that it is not here.
        async with site(tmp_path, mqtt=_url(broker), unknown="refuse") as here:
            await mqtt.wait_for(f"{BASE}/charger/cp1/status", lambda text: text == "offline")
            async with here.charger("CP1") as charger:
                await mqtt.wait_for(f"{BASE}/charger/cp1/status", lambda text: text == "online")
                await here.call_both_ways(charger)
            assert set(mqtt.history(f"{BASE}/status")) == {"online"}


async def test_a_broker_that_comes_and_goes_never_disturbs_the_relay(tmp_path: Path) -> None:
    broker = Broker()
    async with site(tmp_path, mqtt=_url(broker)) as here, here.charger("CP1") as charger:
        connector = f"{BASE}/charger/cp1/connector/1/state"
        await charger.status(1, "Preparing")
        await here.daemon.logged("MQTT: no connection")
        await here.call_both_ways(charger)
        async with broker:
            async with Subscriber(broker.port) as mqtt:
                assert (await mqtt.wait_json(connector))["status"] == "Preparing"
                await mqtt.wait_for(f"{BASE}/status", lambda text: text == "online")
            await broker.kill()
            await charger.status(1, "Charging")
            await here.call_both_ways(charger)
            await broker.start()
            async with Subscriber(broker.port) as mqtt:
                await mqtt.wait_json(connector, lambda fact: fact["status"] == "Charging")
                await mqtt.wait_for(f"{BASE}/charger/cp1/status", lambda text: text == "online")
                await mqtt.wait_for(f"{BASE}/status", lambda text: text == "online")
            await here.call_both_ways(charger)
        assert charger.connect_count == here.upstream("CP1").connect_count == 1


async def test_sighup_reads_the_configuration_anew_and_disturbs_nobody(tmp_path: Path) -> None:
    async with site(tmp_path) as here, here.charger("CP1") as charger:
        here.daemon.process.send_signal(signal.SIGHUP)
        await here.daemon.logged("the configuration was read anew, and is in use")
        await here.call_both_ways(charger)
        assert len(here.upstream("CP1").upgrades) == 1


async def test_it_ends_in_time_although_nobody_takes_part(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        charger = here.charger("MUTE")
        await charger.connect()
        upstream = await here.csms.wait_connected("MUTE")
        charger.link.stop_reading()
        upstream.stop_reading()
        here.upstream("WAITS").hold_upgrades()
        before = time.monotonic()
        assert await here.daemon.end() == 0
        assert time.monotonic() - before < END_WITHIN_S
        upstream.resume_reading()
        await charger.abort()


async def test_a_port_in_use_ends_it_with_a_sentence(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        taken = config(here.csms.url).replace("127.0.0.1:0", f"127.0.0.1:{here.port}")
        ended = await run_to_the_end(tmp_path, f'{taken}[store]\npath = "{tmp_path}/other.db"\n')
        assert ended.status == 1
        assert "READY" not in ended.text
        assert (
            f"cannot listen on 127.0.0.1:{here.port} (Address already in use): another program listens there; "
            "find it with `ss -ltnp`, or choose another port"
        ) in ended.text
        assert "Traceback" not in ended.text


async def test_a_wrong_configuration_ends_it_with_every_sentence(tmp_path: Path) -> None:
    ended = await run_to_the_end(
        tmp_path, '[chargers]\nunknwon = "accept"\n[[upstream]]\nname = "a"\nurl = "http://x"\n'
    )
    assert ended.status == 1
    assert "wrong.toml" in ended.text
    assert "chargers.unknwon: is not a known key; did you mean unknown?" in ended.text
    assert "upstream[a].url: must begin with ws:// or wss://" in ended.text
    assert "Traceback" not in ended.text
    secret = tmp_path / "absent"
    text = config("ws://127.0.0.1:9/ocpp").replace("[mqtt]", f'password = {{ file = "{secret}" }}\n[mqtt]')
    ended = await run_to_the_end(tmp_path, text)
    assert ended.status == 1
    assert str(secret) in ended.text
    assert "Traceback" not in ended.text


@pytest.mark.parametrize("flaw", ["folder", "no-database", "not-writable"])
async def test_without_a_store_it_relays_and_says_so(tmp_path: Path, flaw: str) -> None:
    state = tmp_path / "state"
    state.mkdir()
    if flaw == "folder":
        (state / "evgate.db").mkdir()
    elif flaw == "no-database":
        (state / "evgate.db").write_bytes(b"this is no database, it is a text that somebody put here" * 100)
    else:
        # Also root cannot make a file below what is none.
        state.rmdir()
        state.symlink_to("/proc/1")
    async with Broker() as broker, Subscriber(broker.port) as mqtt, site(tmp_path, mqtt=_url(broker)) as here:
        line = await here.daemon.logged("running without a store")
        assert " ERROR " in line
        async with here.charger("CP1", password="one") as charger:
            await here.call_both_ways(charger)
            health = await mqtt.wait_json(f"{BASE}/gateway/state", lambda fact: fact["chargers"]["online"] == 1)
            assert (health["health"], health["reasons"][0]) == ("critical", "store_failed")
        assert await here.daemon.end() == 0


async def test_no_secret_reaches_the_log(tmp_path: Path) -> None:
    upstream = "upstream-s3cret"
    extra = '[[charger]]\nidentity = "CP1"\npassword = "charger-s3cret"\n'
    users = {"gateway": "broker-s3cret"}
    async with Broker(users=users) as broker:
        credentials = f'{_url(broker)}\nusername = "gateway"\npassword = "broker-s3cret"'
        async with site(tmp_path, extra, mqtt=credentials) as here:
            here.upstream("CP2").expect_password(upstream)
            charger = here.charger("CP1", password="charger-s3cret")
            async with charger, here.charger("CP2", password=upstream) as second:
                await charger.boot()
                transaction = await charger.start(1, "DEADBEEF-TAG")
                await charger.stop(1)
                assert transaction.id_tag == "DEADBEEF-TAG"
                await second.authorize("CAFEBABE-TAG")
                link = here.upstream("CP2").link
                key = {"key": "AuthorizationKey", "value": "changed-s3cret"}
                await link.call("ChangeConfiguration", key)
                await second.send_raw('[2,"x","DataTransfer",{"password":"broken-s3cret"')
                await second.send_raw('[2,"y","StatusNotification",{"idTag":"FEEDC0DE-TAG"},]')
                await here.daemon.logged("not json from charger relayed")
                await here.daemon.logged("odd: not_json")
            await _dial_wrongly(here.charger("CP1", password="guessed-s3cret"))
            assert await here.daemon.end() == 0
            log = "\n".join(here.daemon.lines)
            for secret in ("s3cret", "DEADBEEF", "CAFEBABE", "FEEDC0DE", _base64("CP1:charger-s3cret")):
                assert secret not in log, secret
            assert "StartTransaction" in log


async def _dial_wrongly(charger: SimCharger) -> None:
    with pytest.raises(Exception, match="401"):
        await charger.connect()


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _url(broker: Broker) -> str:
    return f"url = {json.dumps(f'mqtt://127.0.0.1:{broker.port}')}"
