"""A recording played to a station: what came of it on MQTT, in the log's counters, and on the wire."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from gateway.core.effects import Effect, Note, Publish, Send
from gateway.core.events import Leg
from gateway.core.facts import ChargerInfo
from gateway.core.frames import Flaw, Frame, Kind, parse
from gateway.core.moment import Moment
from gateway.core.policy import StationPolicy
from gateway.core.ports import Corrections, Quirks
from gateway.core.reports import BootReported
from gateway.dialects import DIALECTS
from gateway.topics import Context, Numbers, render
from tests.core.drive import UPSTREAM, Drive, a_station, known
from tests.core.scenes import stay
from tests.recordings.recorded import Case, told

CONTEXT: Final = Context(gateway="site", boot_id="boot", time_trust="synced")


@dataclass
class Played:
    """`standing` is the last payload of each retained topic, `events` are those of the others, in order.

    `relayed` is what went upstream, `counters` the names under which each frame of the charger was counted.
    """

    standing: dict[str, Any] = field(default_factory=dict)
    events: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    counted: Counter[str] = field(default_factory=Counter)
    quirks: tuple[str, ...] = ()
    counters: list[list[str]] = field(default_factory=list)
    asked: list[list[Any]] = field(default_factory=list)
    relayed: list[str] = field(default_factory=list)
    _numbers: Numbers = field(default_factory=Numbers)

    def take(self, effects: list[Effect]) -> None:
        """What a station asked for."""
        for effect in effects:
            match effect:
                case Publish(fact):
                    self.quirks = fact.quirks if isinstance(fact, ChargerInfo) else self.quirks
                    for message in render(fact, CONTEXT, self._numbers):
                        self._published(message.topic, message.payload, message.retain)
                case Note(what):
                    self.counted[what] += 1
                case Send(Leg.UP, _, text):
                    self.relayed.append(text)

    def differences(self, case: Case) -> list[str]:
        """Where this is not what `topics.json` says."""
        outcome, found = case.outcome, []
        if "quirks" in outcome and list(self.quirks) != outcome["quirks"]:
            found.append(f"quirks: {list(self.quirks)}")
        for topic, expected in outcome.get("topics", {}).items():
            found += _differences(topic, expected, self.standing.get(topic))
        for topic, events in outcome.get("events", {}).items():
            found += _differences(topic, events, self.events.get(topic, []))
        for what, count in outcome.get("counted", {}).items():
            found += _differences(what, count, self.counted[what])
        return found + (_differences("asked", outcome["asked"], self.asked) if "asked" in outcome else [])

    def _published(self, topic: str, payload: str, retain: bool) -> None:
        read = json.loads(payload) if payload.startswith("{") else payload
        if retain:
            self.standing[topic] = read
        else:
            self.events[topic].append(read)


def at_the_door(case: Case, quirks: Quirks, before_s: float = 0.0) -> Drive:
    """A known charger that connects so long before the recording begins, and is read with these quirks."""
    begins = Moment(case.begins - timedelta(seconds=before_s), 1000.0)
    table = Drive(a_station(StationPolicy(UPSTREAM, quirks=case.named), known(), quirks=quirks, created=begins), begins)
    table.online()
    return table


def play(case: Case, table: Drive) -> Played:
    """Play a folder to the charger on the table."""
    played = Played()
    played.take(table.effects)
    for line in case.lines:
        if line.at is not None:
            before = len(table.effects)
            stay(table, (line.at - table.now.wall).total_seconds())
            passed = table.effects[before:]
            played.take(passed)
            sent = [effect.text for effect in passed if isinstance(effect, Send) and effect.leg is Leg.DOWN]
            played.asked += [json.loads(text)[2:] for text in sent]
        if line.frame is not None:
            effects = table.charger(line.frame.text)
            notes = [effect for effect in effects if isinstance(effect, Note)]
            played.counters.append([note.what for note in notes if note.fields.get("LEG") == Leg.DOWN.value])
            played.take(effects)
        elif line.answer is not None:
            played.take(table.upstream(line.answer))
    return played


def read(case: Case, quirks: Quirks) -> list[dict[str, Any]]:
    """What the dialect reads in each frame of the charger, with the corrections that apply by then."""
    boot, entries = None, []
    for recorded in case.frames:
        corrections = quirks.of(boot, case.named)
        sent, frame = parse(recorded.text), _repaired(recorded.text, corrections)
        payload, corrected = corrections.corrected(frame.action, frame.payload)
        reading = DIALECTS["ocpp1.6"].read_call(frame.action if frame.kind is Kind.CALL else "", payload)
        boot = reading.fact if isinstance(reading.fact, BootReported) else boot
        entry = {
            "kind": frame.kind.name,
            "id": frame.message_id,
            "action": frame.action,
            "flaw": sent.flaw.name if sent.flaw is not None else None,
            "corrected": list(corrected),
            "oddities": list(reading.oddities),
            "fact": told(reading.fact) if reading.fact is not None else None,
        }
        entries.append(entry)
    return entries


def _repaired(text: str, corrections: Corrections) -> Frame:
    """As the core does it: only a CALL is worth a repair."""
    frame = parse(text)
    better = corrections.repaired(text) if frame.flaw is Flaw.NOT_JSON else None
    repaired = parse(better) if better is not None else frame
    return repaired if repaired.kind is Kind.CALL else frame


def _differences(where: str, expected: Any, found: Any) -> list[str]:
    """A table may have more keys than are expected; everything else is as expected."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return [
            difference
            for key, value in expected.items()
            for difference in _differences(f"{where} {key}", value, found.get(key, "(left out)"))
        ]
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        pairs = zip(expected, found, strict=True)
        return [
            difference
            for number, (one, other) in enumerate(pairs, start=1)
            for difference in _differences(f"{where} #{number}", one, other)
        ]
    same = expected == found and isinstance(expected, bool) is isinstance(found, bool)
    return [] if same else [f"{where}: {found!r}, not {expected!r}"]
