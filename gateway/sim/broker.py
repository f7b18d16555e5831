"""The demo's MQTT broker: mosquitto, or amqtt where that is installed instead."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import sys
from pathlib import Path

from gateway.sim.child import Child, ChildFailed, clean_environment

# A broker on a loaded single-board computer takes a few seconds (amqtt is Python).
START_TIMEOUT_S = 20.0
# Between two looks whether it listens; nobody tells.
_LOOK_S = 0.05

INSTALL = (
    "no MQTT broker was found. Install mosquitto (`sudo apt install mosquitto`), or amqtt beside this Python "
    "(`pip install amqtt`, in an environment of its own, with its bin folder on the PATH)"
)


def free_port() -> int:
    """A TCP port on the loopback address that nobody listens on at the moment."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def require_free(port: int) -> int:
    """The port, if the broker can have it; ChildFailed else (a foreign broker there would take its place)."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except OSError as error:
            raise ChildFailed(f"port {port}: {error.strerror}; choose another with --mqtt-port") from error
    return port


def find_mosquitto() -> str | None:
    """Path of mosquitto, which Debian keeps outside an ordinary user's PATH."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


def find_amqtt() -> str | None:
    """Path of the amqtt command, on the PATH or beside this interpreter."""
    return shutil.which("amqtt") or shutil.which("amqtt", path=str(Path(sys.executable).parent))


def broker_child(folder: Path, port: int, *, mosquitto: str | None, amqtt: str | None) -> Child:
    """The broker that there is, open to everybody on this machine; ChildFailed says what to install."""
    log = folder / "broker.log"
    if mosquitto is not None:
        config = folder / "mosquitto.conf"
        config.write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nlog_dest stderr\n",
            encoding="utf-8",
        )
        return Child("mosquitto", [mosquitto, "-c", str(config)], log, clean_environment())
    if amqtt is not None:
        config = folder / "amqtt.yaml"
        # JSON is YAML.
        config.write_text(
            json.dumps(
                {
                    "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
                    "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
                }
            ),
            encoding="utf-8",
        )
        return Child("amqtt", [amqtt, "-c", str(config)], log, clean_environment())
    raise ChildFailed(INSTALL)


async def wait_listening(child: Child, port: int) -> None:
    """Return once the child's port accepts connections; ChildFailed when it does not come to that."""
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            while child.running:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(_LOOK_S)
                    continue
                writer.close()
                await writer.wait_closed()
                return
    except TimeoutError:
        raise ChildFailed(f"{child.name} does not listen on port {port} after {START_TIMEOUT_S:g} s") from None
    raise ChildFailed(f"{child.name} ended before it listened on port {port}")
