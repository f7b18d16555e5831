"""SIGKILL at random instants under load: the next life tells what was told before, or something newer that was said."""

from __future__ import annotations

import asyncio
import random
import signal
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from gateway.core.faults import CLEAR_AFTER_S
from gateway.sim import SimCsms
from tests import counts
from tests.support.broker import Broker
from tests.support.busy import BusyCharger, Upstream, upstreams
from tests.support.daemon import Daemon, daemon
from tests.support.mqtt import Subscriber
from tests.support.retained import Judge, Story
from tests.support.site import config, within

BASE = "evgate/test"
IDENTITIES = [f"CP{number}" for number in range(1, 4)]
STARTING = "This is site test"
"""What the daemon logs before it opens its store."""

BUSY_S = 0.6
"""Of a life, at most: some hundred messages, each of which is a commit."""

PAUSES_S = (0.0, 0.05)
"""Between two messages of a connector. In a hurry, MQTT lags behind the store; else what is remembered is published."""

LONG_S = CLEAR_AFTER_S + 1.0
"""Of a life in which the ends of faults are told as well."""

READ_ALL = "max_queued_messages 0\nmax_inflight_messages 0"
"""The recorder misses nothing, however fast it comes."""


@dataclass
class Run:
    """One site and its history: `chargers` dial only when a life was judged."""

    folder: Path
    toml: str
    mqtt: Subscriber
    chargers: dict[str, BusyCharger]
    upstreams: dict[str, Upstream]
    dice: random.Random
    story: Story = field(default_factory=lambda: Story(BASE))
    kills: Counter[str] = field(default_factory=Counter)
    judge: Judge = field(init=False)

    def __post_init__(self) -> None:
        self.judge = Judge(self.chargers, self.upstreams)

    async def killed_while_starting(self) -> None:
        """It opens its store, reads it, or tells what stands there."""
        async with daemon(self.folder, self.toml, level="info", until=STARTING) as life:
            await self._kill(life, self.dice.uniform(0, 0.3))
        self.kills["while starting"] += 1

    async def killed_while_busy(self, seconds: float) -> None:
        """Some time after the chargers came."""
        async with daemon(self.folder, self.toml, level="info", until=STARTING) as life:
            url = await self._begin(life)
            pause_s = self.dice.choice(PAUSES_S)
            for charger in self.chargers.values():
                charger.pause_s = pause_s
            lives = [asyncio.create_task(charger.live(url)) for charger in self.chargers.values()]
            await self._kill(life, seconds)
            assert await within(asyncio.gather(*lives)) == [False] * len(lives)
        for upstream in self.upstreams.values():
            if upstream.station.connected:
                await upstream.station.wait_closed()
        self.kills["under load"] += 1

    async def to_the_end(self) -> None:
        """Nobody kills it: every visit comes to its end, and all is told."""
        async with daemon(self.folder, self.toml, level="info", until=STARTING) as life:
            url = await self._begin(life)
            lives = [charger.live(url, until_free=True) for charger in self.chargers.values()]
            assert await within(asyncio.gather(*lives)) == [True] * len(lives)
            assert await life.end() == 0
        await self.mqtt.wait_for(f"{BASE}/status", lambda text: text == "offline")
        self.story.read_on(self.mqtt.messages)

    async def _begin(self, life: Daemon) -> str:
        """Wait until it has told all that it knows, judge that, and return where chargers dial."""
        since = len(self.mqtt.messages)
        for upstream in self.upstreams.values():
            upstream.catch_up()
        await life.logged("READY")

        def told() -> bool:
            self.story.read_on(self.mqtt.messages)
            topics = (topic for slug, upstream in self.upstreams.items() for topic in upstream.topics(slug))
            return self.story.began_all(since, topics)

        await self.mqtt.wait_until(told, "everything is told again that stood there, or that upstream has heard of")
        for turn in self.story.turns:
            # What a charger told for the first time of all was not taken up.
            if turn.before is not None or turn.index >= since:
                self.judge.judge(turn)
        self.story.turns.clear()
        for topic, session in self.story.latest.items():
            if topic.endswith("/session") and session["active"]:
                assert self.story.latest[topic.removesuffix("session") + "state"]["in_session"] is True
        assert not [line for line in life.lines if " ERROR " in line or "Traceback" in line]
        return life.chargers_url()

    async def _kill(self, life: Daemon, after_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(after_s):
                await life.process.wait()
        assert await life.end(signal.SIGKILL) == -signal.SIGKILL


async def test_the_next_life_tells_what_was_told_last_or_is_newer(tmp_path: Path) -> None:
    dice = counts.dice("kills")
    chargers = {identity.lower(): BusyCharger(identity, dice) for identity in IDENTITIES}
    async with Broker(config=READ_ALL) as broker, Subscriber(broker.port) as mqtt, SimCsms() as csms:
        url = f'url = "mqtt://127.0.0.1:{broker.port}"'
        asked = {identity.lower(): upstream for identity, upstream in upstreams(csms, IDENTITIES).items()}
        run = Run(tmp_path, config(csms.url, mqtt=url), mqtt, chargers, asked, dice)
        while run.kills.total() < counts.KILLS - 1:
            if dice.random() < 0.2:
                await run.killed_while_starting()
            else:
                await run.killed_while_busy(dice.uniform(0.02, BUSY_S))
        await run.killed_while_busy(LONG_S)
        await run.to_the_end()
    _judge_all(run)
    events = Counter(str(event["event"]) for event in run.story.events)
    print(
        f"figures: {run.kills.total()} kills ({run.kills['under load']} under load): "
        f"{run.judge.restored} states taken up, {run.judge.newer} of them newer than published; "
        f"{sum(map(_uses, chargers.values()))} transactions, "
        f"{events['started']} beginnings and {events['ended']} ends told, none twice; {events.total()} events"
    )
    assert run.kills.total() == counts.KILLS
    # Both happen, and so both were judged.
    assert 0 < run.judge.newer < run.judge.restored


def _judge_all(run: Run) -> None:
    """What holds over all lives together."""
    story = run.story
    uses = {
        (slug, str(connector.number), use.start["timestamp"]): use
        for slug, charger in run.chargers.items()
        for connector in charger.connectors
        for use in connector.uses
    }
    # Nobody invented a session, and no transaction has two, however often it was told.
    assert set(story.sightings) <= set(uses)
    assert set(map(len, story.sightings.values())) == {1}
    assert set(map(len, story.transactions.values())) == {1}
    sessions = [session for ids in story.sightings.values() for session in ids]
    assert len(set(sessions)) == len(sessions)
    for upstream in run.upstreams.values():
        upstream.catch_up()
    for (slug, connector, _), use in uses.items():
        assert run.upstreams[slug].has("StartTransaction", use.start), connector
    _judge_ends(run)
    _judge_events(story)


def _judge_ends(run: Run) -> None:
    """On every connector the last transaction stands, as it was, and nothing is wrong any more."""
    for slug, charger in run.chargers.items():
        for connector in charger.connectors:
            topic = f"charger/{slug}/connector/{connector.number}"
            assert run.story.latest[f"{topic}/state"]["status"] == "Available"
            use, last = connector.uses[-1], run.story.latest[f"{topic}/session"]
            assert use.stop is not None
            assert (last["transaction_id"], last["active"], last["ended"]) == (
                use.transaction_id,
                False,
                use.stop["timestamp"],
            )
            assert last["energy_wh"] == use.stop["meterStop"] - use.start["meterStart"]
        assert run.story.latest[f"charger/{slug}/faults"]["faults"] == []


def _judge_events(story: Story) -> None:
    """What was on its way when the gateway was killed is lost, and nothing before that; nothing is told twice."""
    lives: defaultdict[str, list[int]] = defaultdict(list)
    for event in story.events:
        _, boot_id, number = event["event_id"].split("-")
        assert int(number) == event["seq"]
        lives[boot_id].append(event["seq"])
    for numbers in lives.values():
        assert numbers == list(range(1, len(numbers) + 1))
    once = ("started", "ended", "raised", "cleared")
    names = Counter(
        (event["event"], event.get("session_id") or event.get("fault_id"))
        for event in story.events
        if event["event"] in once
    )
    assert {name: count for name, count in names.items() if count > 1} == {}


def _uses(charger: BusyCharger) -> int:
    return charger.use_count
