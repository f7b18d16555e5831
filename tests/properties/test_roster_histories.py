"""Whatever operators, configurations, a failing store and restarts do: who is served is who is known, and nobody else.

The model knows who is named, who has a right of its own, and what the disk may have missed; nothing of how it is done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.core.door import Unknown
from gateway.core.facts import ChargerForgotten, ChargerStatus
from gateway.core.record import identity_key
from gateway.runtime.directory import Directory
from gateway.runtime.enrolment import Enrolment, NotDone
from gateway.runtime.ports import Admitted
from tests import counts
from tests.fakes.link import MemoryLink
from tests.fakes.memory_store import Disk, MemoryStore
from tests.runtime.house import POLICY, Connected, House, arrival, naming, until

T = TypeVar("T")

IDENTITIES = ("A", "B", "C", "left")
WHO = st.sampled_from(IDENTITIES)
ALIASES = st.sampled_from([None, None, "left", "right", "a"])
NAMED = st.dictionaries(WHO, ALIASES, max_size=3).map(
    # An alias twice is refused before it comes this far.
    lambda named: {who: alias for who, alias in named.items() if list(named.values()).count(alias) == 1 or not alias}
)
UNKNOWN = st.sampled_from([Unknown.QUARANTINE, Unknown.QUARANTINE, Unknown.ACCEPT, Unknown.REFUSE])
LOST = "its password cannot be read: create the file"


def configuration(named: dict[str, str | None], unknown: Unknown, lost: str | None) -> Directory:
    """What stands in the files; the secret of `lost` cannot be read."""
    directory = naming(*named, unknown=unknown, aliases={who: alias for who, alias in named.items() if alias})
    broken = {key: replace(one, policy=replace(POLICY, unusable=LOST)) for key, one in directory.configured.items()}
    key = identity_key(lost or "")
    return replace(directory, configured={**directory.configured, **({key: broken[key]} if key in broken else {})})


class RosterHistories(RuleBasedStateMachine):
    """One site, its operator, and four chargers."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.house = House()
        self.online: dict[str, Connected] = {}
        self.own_right: set[str] = set()
        """Adopted, or accepted while anybody was."""
        self.waiting: set[str] = set()
        """In quarantine."""

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @initialize(named=NAMED, unknown=UNKNOWN)
    def power_on(self, named: dict[str, str | None], unknown: Unknown) -> None:
        self.named, self.unknown = named, unknown
        self.lost: str | None = None
        self.start(Disk())

    def start(self, disk: Disk) -> None:
        self.house = House(directory=configuration(self.named, self.unknown, self.lost), store=MemoryStore(disk))
        self.run(self.house.stations.start())

    # What happens

    @rule(who=WHO)
    def somebody_knocks(self, who: str) -> None:
        verdict = self.run(self.knock(who))
        if not self.is_known(who):
            assert verdict == 404
            if self.unknown is Unknown.QUARANTINE:
                self.waiting.add(who)
        elif self.named_and_lost(who):
            assert verdict == 503
        else:
            assert verdict == 101
            self.waiting.discard(who)
            if self.unknown is Unknown.ACCEPT and who not in self.named:
                self.own_right.add(who)

    async def knock(self, who: str) -> int:
        up = self.house.dialer.accepts()
        dialled = len(self.house.dialer.dialled)
        verdict = await self.house.stations.arrive(arrival(who))
        if len(self.house.dialer.dialled) == dialled:
            self.house.dialer.outcomes.get_nowait()
        if not isinstance(verdict, Admitted):
            return verdict.status
        down = MemoryLink()
        events = await verdict.attach(down)
        await until(lambda: up.events is not None)
        assert up.events is not None
        self.online[who] = Connected(down, up, events, up.events)
        return 101

    @precondition(lambda self: self.waiting)
    @rule(pick=st.integers(0, 9))
    def an_operator_adopts(self, pick: int) -> None:
        who = sorted(self.waiting)[pick % len(self.waiting)]
        said = self.run(Enrolment(self.house.stations).adopt(who.swapcase()))
        assert ("It is not stored yet" in said) == (self.house.store.failure is not None)
        self.own_right.add(who)
        self.waiting.discard(who)

    @rule(who=WHO)
    def an_operator_forgets(self, who: str) -> None:
        try:
            self.run(Enrolment(self.house.stations).forget(who, force=True))
        except NotDone:
            assert who in self.named or who not in self.own_right
            return
        assert who not in self.named
        self.own_right.discard(who)
        self.waiting.discard(who)
        charger = self.online.pop(who, None)
        assert charger is None or charger.down.closed is not None
        assert not self.house.stations.messages.holds(who)

    @rule(named=NAMED, unknown=UNKNOWN, lost=st.sampled_from([None, None, *IDENTITIES]))
    def the_configuration_is_read_anew(self, named: dict[str, str | None], unknown: Unknown, lost: str | None) -> None:
        before, self.named, self.unknown = self.named, named, unknown
        was_lost, self.lost = self.lost, lost
        names = self.house.known()
        self.run(self.house.reload(configuration(named, unknown, lost)))
        self.run(self.everything_is_done())
        for who, charger in list(self.online.items()):
            same_name = self.house.known().get(who) == names.get(who) and before.get(who) == named.get(who)
            same_terms = self.named_and_lost(who) == (who in before and who == was_lost)
            if self.is_known(who) and same_name and same_terms:
                assert charger.down.closed is None
            elif not self.is_known(who) or self.named_and_lost(who):
                assert charger.down.closed is not None
            if charger.down.closed is not None:
                del self.online[who]
        self.waiting -= set(named)

    async def everything_is_done(self) -> None:
        await until(lambda: not any(task.waiting_since for task, _ in self.house.stations.loops()))

    @rule()
    def the_store_fails(self) -> None:
        self.house.store.failure = "The disk is full: free some space."

    @rule()
    def the_store_is_back(self) -> None:
        self.house.store.failure = None
        if self.house.stations.safekeeping.problem is not None:
            self.run(self.house.stations.safekeeping.retry(self.house.stations))

    @rule()
    def the_daemon_restarts(self) -> None:
        """With its store in order: what it could not write is gone otherwise, which it has said."""
        self.the_store_is_back()
        self.run(self.house.stations.stop())
        self.online.clear()
        self.waiting.clear()
        self.start(self.house.store.disk)

    # What holds

    @invariant()
    def who_is_known_is_whom_we_think(self) -> None:
        known = {identity_key(identity) for identity in self.house.known()}
        assert {identity_key(who) for who in self.own_right | set(getattr(self, "named", {}))} <= known

    @invariant()
    def whoever_waits_is_listed_and_nobody_else(self) -> None:
        assert {entry.identity for entry in self.house.stations.quarantine.latest(99)} == self.waiting

    @invariant()
    def no_two_share_a_name(self) -> None:
        slugs = [station.slug for station in self.house.stations]
        assert len(set(slugs)) == len(slugs)

    @invariant()
    def whoever_is_connected_is_served_and_nobody_was_disturbed(self) -> None:
        if self.online:
            self.run(self.relay())

    async def relay(self) -> None:
        for number, charger in enumerate(self.online.values()):
            assert (charger.down.closed, charger.up.closed) == (None, None)
            before = len(charger.up.written)
            await charger.from_charger.text(f'[2,"{before}-{number}","Heartbeat",{{}}]')
            await charger.up.until(before + 1)

    def teardown(self) -> None:
        self.run(self.house.stations.stop())
        names = {station.slug for station in self.house.stations}
        assert self.retained() <= names
        self.runner.close()

    # What is thought

    def is_known(self, who: str) -> bool:
        return who in self.named or who in self.own_right or self.unknown is Unknown.ACCEPT

    def named_and_lost(self, who: str) -> bool:
        return who in self.named and who == self.lost

    def retained(self) -> set[str]:
        """The names under which something stands on MQTT."""
        names: set[str] = set()
        for fact in self.house.told:
            if isinstance(fact, ChargerForgotten):
                names.discard(fact.charger)
            elif isinstance(fact, ChargerStatus):
                names.add(fact.charger)
        return names


TestRosterHistories = RosterHistories.TestCase
TestRosterHistories.settings = settings(max_examples=counts.HISTORIES)
