"""`evgate demo`: broker, CSMS, gateway and two chargers on this machine, and what the gateway publishes."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from gateway.sim.broker import broker_child, find_amqtt, find_mosquitto, free_port, require_free, wait_listening
from gateway.sim.charger import SimCharger
from gateway.sim.child import Child, ChildFailed, clean_environment
from gateway.sim.console import Console
from gateway.sim.csms import SimCsms
from gateway.sim.endings import cancel, ending, first_of
from gateway.sim.ledger import Ledger
from gateway.sim.life import keep_connected, sessions
from gateway.sim.table import Board
from gateway.sim.verdict import Passage, passage
from gateway.sim.viewer import viewer

DESCRIPTION = """\
Run an MQTT broker, a CSMS, the gateway and two chargers on this machine and show the connectors as the
gateway publishes them on MQTT. Nothing leaves the machine, nothing stays behind."""

EPILOG = """\
example:
  evgate demo --seconds 30

exit status: 0 ended as asked and nothing was lost, 1 something failed, 2 wrong arguments"""

SITE = "demo"
BASE = f"evgate/{SITE}"
GATEWAY_COMMAND = (sys.executable, "-m", "gateway", "run")
# Long enough to read a line, short enough to see a whole session within a minute.
PHASE_S = 0.8
# Start of a Python process with its imports on a Raspberry Pi, twice over.
READY_TIMEOUT_S = 30.0
# Chargers connect and report at once; their second or third dial must have succeeded by then.
FIRST_STATE_TIMEOUT_S = 15.0
# Frames that are under way when the chargers stop.
SETTLE_TIMEOUT_S = 5.0


class Stage:
    """Everything that runs during the demo."""

    def __init__(self, folder: Path, console: Console, mqtt_port: int, gateway_command: Sequence[str]) -> None:
        self.console = console
        self.board = Board(BASE)
        self.mqtt_port = require_free(mqtt_port) if mqtt_port else free_port()
        self.charger_port = free_port()
        self.csms = SimCsms()
        self.broker = broker_child(folder, self.mqtt_port, mosquitto=find_mosquitto(), amqtt=find_amqtt())
        self.config = folder / "gateway.toml"
        self.control = folder / "control.sock"
        self.gateway = Child(
            "the gateway",
            [*gateway_command, "--config", str(self.config)],
            folder / "gateway.log",
            clean_environment() | {"EVGATE_CONTROL": str(self.control)},
        )
        url = f"ws://127.0.0.1:{self.charger_port}/ocpp"
        self.chargers = [
            SimCharger(url, "CP01", connectors=2, model="Simulated Duo", acts_on_commands=True),
            SimCharger(url, "CP02", connectors=1, model="Simulated Solo", acts_on_commands=True),
        ]
        self._drawn = 0

    async def start(self, stack: AsyncExitStack) -> None:
        """Start all parts but the chargers; `stack` ends them. ChildFailed when one does not come up."""
        stack.push_async_callback(self.broker.stop)
        await self.broker.start()
        await wait_listening(self.broker, self.mqtt_port)
        self._introduce()
        await stack.enter_async_context(self.csms)
        await stack.enter_async_context(viewer(self.mqtt_port, BASE, self._take))
        self.config.write_text(
            f"""\
[site]
id = "{SITE}"

[store]
path = "{self.config.parent / "evgate.db"}"

[chargers]
listen = "127.0.0.1:{self.charger_port}"
unknown = "accept"

[[upstream]]
name = "simulated"
url = "{self.csms.url}"

[mqtt]
url = "mqtt://127.0.0.1:{self.mqtt_port}"
""",
            encoding="utf-8",
        )
        stack.push_async_callback(self.gateway.stop)
        await self.gateway.start()
        await self.gateway.wait_line("READY", READY_TIMEOUT_S)

    def _introduce(self) -> None:
        url = self.chargers[0].url.rpartition("/")[0]
        self.console.line(
            f"""\
Two chargers run sessions through the gateway to a CSMS, all on this machine. Ctrl-C ends it.
See what the gateway publishes:  mosquitto_sub -h 127.0.0.1 -p {self.mqtt_port} -t '{BASE}/#' -v
Ask the gateway how it does:     EVGATE_CONTROL={self.control} evgate status
Connect a charger of your own:   evgate sim charger --url {url} --identity MINE --loop
"""
        )

    def end_when_silent(self, ended: asyncio.Event) -> None:
        """End the show if no connector was published so far: there will be nothing to see."""
        if not self.board.rows:
            ended.set()

    async def play(self) -> None:
        """Let the chargers live until cancelled, then wait until their last frames have passed."""
        lives = [
            asyncio.create_task(keep_connected(self.chargers[0], _busy)),
            asyncio.create_task(keep_connected(self.chargers[1], _faulty_once)),
        ]
        try:
            await asyncio.gather(*lives)
        finally:
            await cancel(*lives)
            await self._settle()
            for charger in self.chargers:
                await charger.close()

    async def _settle(self) -> None:
        for charger in self.chargers:
            ledger = self.csms.ledger(charger.identity)
            # What has not arrived in time is counted as lost.
            with contextlib.suppress(TimeoutError):
                await ledger.wait_until(partial(_all_arrived, charger.ledger, ledger), SETTLE_TIMEOUT_S)
                await charger.ledger.wait_until(partial(_all_arrived, ledger, charger.ledger), SETTLE_TIMEOUT_S)

    def totals(self) -> tuple[Passage, Passage]:
        """From the ledgers: chargers to upstream, upstream to chargers."""
        up, down = Passage(), Passage()
        for charger in self.chargers:
            ledger = self.csms.ledger(charger.identity)
            up += passage(charger.ledger, ledger)
            down += passage(ledger, charger.ledger)
        return up, down

    def last_words(self) -> str:
        """The last lines of the children's output."""
        words = [f"--- last lines of {child.name}:\n{child.tail()}" for child in (self.broker, self.gateway)]
        return "\n".join(words)

    def _take(self, topic: str, payload: bytes) -> None:
        change = self.board.apply(topic, payload)
        if change is None:
            return
        if not self.console.is_terminal:
            self.console.line(change)
            return
        self._draw()

    def _draw(self) -> None:
        # A line that wraps would shift everything that is drawn over it.
        width = shutil.get_terminal_size().columns
        lines = [line[:width] for line in (*self.board.lines(), "", self._counters())]
        up = f"\x1b[{self._drawn}A" if self._drawn else ""
        self.console.write(up + "".join(f"\x1b[2K{line}\n" for line in lines) + "\x1b[J")
        self._drawn = len(lines)

    def _counters(self) -> str:
        sent = sum(charger.ledger.sent_count for charger in self.chargers)
        arrived = sum(station.ledger.received_count for station in self.csms.stations.values())
        return f"(frames: {sent} sent by the chargers, {arrived} arrived at the CSMS)"


async def run_demo(
    *, seconds: float | None = None, mqtt_port: int = 0, gateway_command: Sequence[str] = GATEWAY_COMMAND
) -> int:
    """The whole demo; returns the exit status."""
    async with ending() as ended:
        console = Console(ended.set)
        with tempfile.TemporaryDirectory(prefix="evgate-demo-") as folder:
            try:
                stage = Stage(Path(folder), console, mqtt_port, gateway_command)
                return await _show(stage, ended, seconds)
            except ChildFailed as error:
                print(f"evgate demo: {error}", file=sys.stderr, flush=True)
                return 1


async def _show(stage: Stage, ended: asyncio.Event, seconds: float | None) -> int:
    failures: list[str] = []
    async with AsyncExitStack() as stack:
        try:
            if not await first_of(stage.start(stack), ended):
                return 0
        except ChildFailed as error:
            raise ChildFailed(f"{error}\n{stage.last_words()}") from error
        if seconds is not None:
            asyncio.get_running_loop().call_later(seconds, ended.set)
        play = asyncio.create_task(stage.play())
        asyncio.get_running_loop().call_later(FIRST_STATE_TIMEOUT_S, stage.end_when_silent, ended)
        deaths = [asyncio.create_task(child.wait_exit()) for child in (stage.gateway, stage.broker)]
        end = asyncio.create_task(ended.wait())
        try:
            await asyncio.wait({play, end, *deaths}, return_when=asyncio.FIRST_COMPLETED)
            if play.done():
                await play
            failures += [death.result() for death in deaths if death.done()]
        finally:
            await cancel(play, end, *deaths)
    return _close(stage, failures)


def _close(stage: Stage, failures: list[str]) -> int:
    up, down = stage.totals()
    if not stage.board.rows:
        failures.append(f"nothing was published under {BASE}/charger/")
    if stage.gateway.exit_status != 0 and not failures:
        failures.append(f"the gateway did not end cleanly, but with exit status {stage.gateway.exit_status}")
    both = up + down
    if not both.flawless:
        failures.append("not every frame arrived once and in order")
    stage.console.line(
        f"\n{up.sent} frames by the chargers, {up.arrived} of them upstream; "
        f"{down.sent} frames by the CSMS, {down.arrived} of them at the chargers; "
        f"lost {both.lost}, doubled {both.doubled}"
    )
    for failure in failures:
        print(f"evgate demo: {failure}", file=sys.stderr, flush=True)
    if failures:
        print(stage.last_words(), file=sys.stderr, flush=True)
    return 1 if failures else 0


def _all_arrived(sender: Ledger, receiver: Ledger) -> bool:
    return passage(sender, receiver).lost == 0


async def _busy(charger: SimCharger) -> None:
    await sessions(charger, pause_s=PHASE_S)


async def _faulty_once(charger: SimCharger) -> None:
    await asyncio.sleep(PHASE_S)
    await charger.status(1, "Faulted", "GroundFailure", info="residual current detected")
    await asyncio.sleep(PHASE_S)
    await charger.status(1, "Available")
    await sessions(charger, pause_s=PHASE_S)
