"""The demo's parts, with stand-ins where the gateway would be."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from paho.mqtt import publish

from gateway.sim.broker import broker_child, find_mosquitto, free_port, require_free, wait_listening
from gateway.sim.child import Child, ChildFailed, clean_environment
from gateway.sim.demo import run_demo
from gateway.sim.ledger import Bell
from gateway.sim.viewer import viewer
from tests.counts import PATIENCE_S


def _python(folder: Path, code: str) -> Child:
    return Child("the child", [sys.executable, "-c", code], folder / "log", clean_environment())


@pytest.fixture
async def broker_port(tmp_path: Path) -> AsyncIterator[int]:
    """The port of a mosquitto that has just been started."""
    port = free_port()
    broker = broker_child(tmp_path, port, mosquitto=find_mosquitto(), amqtt=None)
    await broker.start()
    try:
        await wait_listening(broker, port)
        yield port
    finally:
        await broker.stop()


async def test_the_viewer_takes_what_stands_on_the_broker_and_what_comes(broker_port: int) -> None:
    bell = Bell()
    taken: list[tuple[str, bytes]] = []

    def take(topic: str, payload: bytes) -> None:
        taken.append((topic, payload))
        bell.ring()

    def send(topic: str, payload: str) -> None:
        publish.single(topic, payload, qos=1, retain=True, hostname="127.0.0.1", port=broker_port)

    await asyncio.to_thread(send, "base/status", "online")
    async with viewer(broker_port, "base", take):
        await bell.wait_until(lambda: len(taken) == 1, PATIENCE_S, "the retained message")
        await asyncio.to_thread(send, "other/status", "not ours")
        await asyncio.to_thread(send, "base/a/b", "1")
        await bell.wait_until(lambda: len(taken) == 2, PATIENCE_S, "the live message")
    assert taken == [("base/status", b"online"), ("base/a/b", b"1")]


async def test_a_busy_port_is_named(broker_port: int, tmp_path: Path) -> None:
    with pytest.raises(ChildFailed, match=f"port {broker_port}: Address already in use"):
        require_free(broker_port)
    second = broker_child(tmp_path, broker_port, mosquitto=find_mosquitto(), amqtt=None)
    await second.start()
    await second.wait_exit()
    with pytest.raises(ChildFailed, match="mosquitto ended before it listened on port"):
        await wait_listening(second, broker_port)
    assert "Address already in use" in second.tail()


def test_without_any_broker_it_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(ChildFailed, match="sudo apt install mosquitto"):
        broker_child(tmp_path, 1883, mosquitto=None, amqtt=None)


def test_amqtt_is_used_where_mosquitto_is_not(tmp_path: Path) -> None:
    assert broker_child(tmp_path, 1883, mosquitto=None, amqtt="/opt/amqtt").name == "amqtt"
    assert '"127.0.0.1:1883"' in (tmp_path / "amqtt.yaml").read_text()


async def test_a_child_that_becomes_ready_and_ends_when_told(tmp_path: Path) -> None:
    child = _python(tmp_path, "print('hello'); print('READY 1', flush=True); __import__('signal').pause()")
    await child.start()
    assert await child.wait_line("READY", PATIENCE_S) == "READY 1"
    await child.stop()
    assert await child.wait_exit() == "the child ended by SIGTERM"
    assert child.tail() == "hello\nREADY 1" == (tmp_path / "log").read_text().strip()


async def test_a_child_that_ends_before_it_is_ready(tmp_path: Path) -> None:
    child = _python(tmp_path, "raise SystemExit(3)")
    await child.start()
    with pytest.raises(ChildFailed, match="the child ended with exit status 3 before it was ready"):
        await child.wait_line("READY", PATIENCE_S)
    await child.stop()
    assert child.exit_status == 3


async def test_a_child_that_is_never_ready_or_cannot_start(tmp_path: Path) -> None:
    child = _python(tmp_path, "__import__('signal').pause()")
    await child.start()
    with pytest.raises(ChildFailed, match="READY of the child did not happen"):
        await child.wait_line("READY", 0.01)
    await child.stop()
    nothing = Child("nothing", [str(tmp_path / "nothing")], tmp_path / "log", {})
    with pytest.raises(ChildFailed, match="nothing cannot be started"):
        await nothing.start()
    await nothing.stop()
    assert nothing.exit_status is None


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("print('cannot'); raise SystemExit(1)", "the gateway ended with exit status 1 before it was ready"),
        ("print('READY'); print('cannot')", "the gateway ended with exit status 0"),
        (
            "print('READY'); print('cannot', flush=True); __import__('signal').pause()",
            "nothing was published under evgate/demo/charger/",
        ),
    ],
    ids=["never ready", "dies", "publishes nothing"],
)
async def test_a_gateway_that_does_not_do_its_work_fails_the_demo(
    capfd: pytest.CaptureFixture[str], code: str, complaint: str
) -> None:
    seconds = 0.2 if "publish" in complaint else 20.0
    assert await run_demo(seconds=seconds, gateway_command=(sys.executable, "-c", code)) == 1
    errors = capfd.readouterr().err
    assert complaint in errors
    assert "last lines of the gateway:" in errors
    assert "cannot" in errors
