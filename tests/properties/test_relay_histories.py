"""Whatever the two sides ask and answer, in whatever order: each answer reaches the one who asked, and nobody else.

The judge reads the texts by itself. It knows who asked what on which connection, and nothing of how the relay works.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.core.effects import Answer, Effect, Send
from gateway.core.events import FrameReceived, Leg, TimerDue
from gateway.core.frames import parse
from tests import counts
from tests.core.drive import Drive, drive, known

LEGS = st.sampled_from(list(Leg))
IDS = st.sampled_from(["1", "2", "007", 1, 7, "18446744073709551616", "x" * 300])
"""Few, so that they repeat; numbers, because some firmware sends them; and one beyond any limit."""

ACTIONS = st.sampled_from(["Heartbeat", "StatusNotification", "Reset", "Nonsense"])
FILLER = st.sampled_from(["", " ", "\t", "\n "])
MISFITS = st.sampled_from(["", "[]", "{}", "[3]", '[9,"1"]', '[6,"1","A",{}]', "[2", "\x00"])

LONG_S = 700.0
"""Longer than any CALL stays open: what was asked before is given up after it."""

MOST_MISFITS = 15
"""Per connection, so that neither side is taken for a flood."""


class Asked:
    """What one peer was asked on one connection, by id."""

    def __init__(self) -> None:
        self.open: Counter[str] = Counter()
        self.given_up: Counter[str] = Counter()

    def call(self, message_id: str) -> None:
        self.open[message_id] += 1

    def may_answer(self, message_id: str) -> bool:
        return self.open[message_id] + self.given_up[message_id] > 0

    def must_pass(self, message_id: str) -> bool:
        return self.open[message_id] > 0

    def answered(self, message_id: str) -> None:
        (self.open if self.open[message_id] else self.given_up)[message_id] -= 1

    def time_passed(self) -> None:
        self.given_up += self.open
        self.open.clear()


class RelayHistories(RuleBasedStateMachine):
    """A charger and an upstream with few scruples, over several connections."""

    def __init__(self) -> None:
        super().__init__()
        self.table: Drive = drive(known())
        self.asked: defaultdict[tuple[Leg, int], Asked] = defaultdict(Asked)
        self.passed: defaultdict[tuple[Leg, int], list[str]] = defaultdict(list)
        self.own: list[str] = []
        self.misfits = 0
        self.excuses = 0

    @initialize()
    def connect(self) -> None:
        self.table.online()

    @rule()
    def reconnect(self) -> None:
        self.table.online()
        self.misfits = 0
        self.excuses = 0

    @rule(leg=LEGS, message_id=IDS, action=ACTIONS, gap=FILLER, stale=st.integers(0, 2))
    def calls(self, leg: Leg, message_id: str | int, action: str, gap: str, stale: int) -> None:
        text = f"[2,{gap}{json.dumps(message_id)},{gap}{json.dumps(action)},{{}}{gap}]"
        if self.hears(leg, text, stale):
            self.passes(leg, text)
            self.asked[leg.other, self.table.generation].call(str(message_id))

    @rule(leg=LEGS, message_id=IDS, failed=st.booleans(), gap=FILLER, stale=st.integers(0, 2))
    def answers(self, leg: Leg, message_id: str | int, failed: bool, gap: str, stale: int) -> None:
        tail = '"GenericError","",{}' if failed else "{}"
        text = f"[{gap}{4 if failed else 3},{json.dumps(message_id)},{gap}{tail}]"
        if not self.hears(leg, text, stale):
            return
        asked, key = self.asked[leg, self.table.generation], str(message_id)
        if self.effects and asked.may_answer(key):
            asked.answered(key)
            self.passes(leg, text)
        elif self.effects and leg is Leg.UP and self.excuses:
            self.excuses -= 1
            self.passes(leg, text)
        else:
            assert not asked.must_pass(key)
            assert self.effects == []

    @precondition(lambda self: self.own)
    @rule(leg=LEGS, which=st.integers(0, 9), failed=st.booleans())
    def answers_what_the_gateway_asked(self, leg: Leg, which: int, failed: bool) -> None:
        message_id = self.own[-1 - which % len(self.own)]
        text = json.dumps(
            [4, message_id, "NotImplemented", "", {}] if failed else [3, message_id, {"status": "Accepted"}]
        )
        assert self.hears(leg, text, 0)
        if leg is Leg.UP and self.excuses and self.effects:
            self.excuses -= 1
            self.passes(leg, text)
        assert leg is Leg.UP or self.effects == []

    @precondition(lambda self: self.misfits < MOST_MISFITS)
    @rule(leg=LEGS, text=MISFITS)
    def talks_nonsense(self, leg: Leg, text: str) -> None:
        self.misfits += 1
        self.excuses += leg is Leg.DOWN
        assert self.hears(leg, text, 0)
        self.passes(leg, text)

    @rule()
    def it_is_time_to_ask(self) -> None:
        self.takes_own(self.table.feed(TimerDue(f"refresh:{self.table.generation}")))

    @rule()
    def a_long_time_passes(self) -> None:
        for _ in range(int(LONG_S // 50)):
            self.takes_own(self.table.elapse(50.0))
            for leg in Leg:
                self.table.pong(leg)
        for leg in Leg:
            self.asked[leg, self.table.generation].time_passed()
        self.excuses = 0

    @invariant()
    def nothing_else_was_written(self) -> None:
        assert {key: texts for key, texts in self.table.sent.items() if texts} == {
            key: texts for key, texts in self.passed.items() if texts
        }

    @invariant()
    def the_connection_stands(self) -> None:
        assert self.table.live() == self.table.generation

    def hears(self, leg: Leg, text: str, stale: int) -> bool:
        """Hand a text in, on the live connection or an older one; keeps what was written, says whether it was live."""
        generation = max(1, self.table.generation - stale)
        effects = self.table.feed(FrameReceived(leg, generation, parse(text)))
        self.effects = [effect for effect in effects if isinstance(effect, Send | Answer)]
        live = generation == self.table.generation
        assert live or self.effects == []
        return live

    def passes(self, leg: Leg, text: str) -> None:
        assert self.effects == [Send(leg.other, self.table.generation, text)]
        self.passed[leg.other, self.table.generation].append(text)

    def takes_own(self, effects: list[Effect]) -> None:
        """Whatever is written without having been received is a CALL to the charger, under an id never seen before."""
        for effect in effects:
            if isinstance(effect, Send | Answer):
                assert effect.leg is Leg.DOWN
                kind, message_id, _, _ = json.loads(effect.text)
                assert kind == 2
                assert message_id not in self.own
                self.own.append(message_id)
                self.passed[effect.leg, effect.generation].append(effect.text)


TestRelayHistories = RelayHistories.TestCase
TestRelayHistories.settings = settings(max_examples=counts.HISTORIES)
