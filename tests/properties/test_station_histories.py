"""Whoever knocks, whatever upstream says and whenever, one charger has one connection and everybody gets an answer.

A configuration that changes meanwhile holds from then on: `Site` judges that nothing goes on under the old terms.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.core.effects import Admit
from gateway.core.events import Leg, StopRequested
from gateway.core.policy import StationPolicy, UpstreamPolicy
from gateway.core.record import Standing
from tests import counts
from tests.core.drive import MINE, OTHER, UPSTREAM, a_station, known
from tests.core.texts import call, result
from tests.properties.site import Site, hash_of, header_of

PICK = st.integers(0, 99)
POLICIES = st.sampled_from(
    [
        StationPolicy(UPSTREAM),
        StationPolicy(UPSTREAM, pings=False),
        StationPolicy(UpstreamPolicy("elsewhere")),
        StationPolicy(UPSTREAM, unusable="its password cannot be read: create the file"),
        StationPolicy(None),
    ]
)
COMMON = ("ocpp1.6",)
NOTHING_IN_COMMON = ("soap",)

LONGEST_WAIT_S = 20.0
"""Longer than any charger waits at the door: 3 s for the verdict, 10 s for the upgrade."""


class StationHistories(RuleBasedStateMachine):
    """Several sockets of one identity, some honest, and an upstream in any mood."""

    site: Site

    @initialize(before=st.sampled_from([None, known(None), known(hash_of(MINE))]))
    def power_on(self, before: object) -> None:
        record = before if isinstance(before, type(known())) else None
        policy = StationPolicy(UPSTREAM)
        self.site = Site(a_station(policy, record), stored=record)
        self.last_header = header_of(record.credential_hash) if record else None

    @rule(authorization=st.sampled_from([None, MINE, MINE, OTHER]), common=st.integers(0, 5))
    def somebody_knocks(self, authorization: str | None, common: int) -> None:
        self.site.knock(authorization, COMMON if common else NOTHING_IN_COMMON)

    @rule(authorization=st.sampled_from([None, MINE, OTHER]))
    def somebody_comes_in(self, authorization: str | None) -> None:
        """In one go, as it happens most of the time: unless another one is in the way, or the crowd is too large."""
        site = self.site
        site.turn(len(site.inbox))
        site.knock(authorization, COMMON)
        site.turn(1)
        generation = len(site.arrivals)
        if generation in site.checks:
            site.finish_check(generation)
            site.turn(1)
        if generation in site.dials:
            site.answer_dial(generation, 101, 0.0)
            site.turn(1)
        if generation in site.upgrading:
            site.finish_upgrade(generation)
            site.turn(1)

    @precondition(lambda self: self.site.dials)
    @rule(pick=PICK, status=st.sampled_from([101, 101, 101, 401, 403, 404, 0]), draw=st.floats(0, 1, exclude_max=True))
    def upstream_answers(self, pick: int, status: int, draw: float) -> None:
        self.site.answer_dial(self.one_of(self.site.dials, pick), status, draw)

    @precondition(lambda self: self.site.checks)
    @rule(pick=PICK)
    def credentials_are_compared(self, pick: int) -> None:
        self.site.finish_check(self.one_of(self.site.checks, pick))

    @precondition(lambda self: self.site.hashes)
    @rule(pick=PICK)
    def credentials_are_hashed(self, pick: int) -> None:
        self.site.finish_hash(self.one_of(self.site.hashes, pick))

    @precondition(lambda self: self.site.upgrading)
    @rule(pick=PICK)
    def an_upgrade_is_done(self, pick: int) -> None:
        self.site.finish_upgrade(self.one_of(self.site.upgrading, pick))

    @precondition(lambda self: self.site.waiting or self.site.upgrading)
    @rule(pick=PICK, told=st.booleans())
    def somebody_hangs_up(self, pick: int, told: bool) -> None:
        self.site.hang_up(self.one_of(self.site.waiting | self.site.upgrading, pick), told)

    @precondition(lambda self: self.told_legs())
    @rule(pick=PICK)
    def a_leg_breaks(self, pick: int) -> None:
        legs = self.told_legs()
        self.site.lose(*legs[pick % len(legs)])

    @precondition(lambda self: self.told_legs())
    @rule(pick=PICK, text=st.sampled_from([call("1"), result("1"), "[", "[" * 99]))
    def a_frame_comes_in(self, pick: int, text: str) -> None:
        legs = self.told_legs()
        self.site.say(*legs[pick % len(legs)], text)

    @rule(policy=POLICIES, standing=st.sampled_from([Standing.CONFIGURED, Standing.ACCEPTED]), moved=st.integers(0, 3))
    def the_configuration_changes(self, policy: StationPolicy, standing: Standing, moved: int) -> None:
        self.site.configure(policy, standing, redial=moved == 0)

    @rule(seconds=st.sampled_from([0.3, 1.0, 3.0, 10.0, 60.0]))
    def time_passes(self, seconds: float) -> None:
        self.site.let_time_pass(seconds)

    @precondition(lambda self: self.site.disarmed)
    @rule(pick=PICK)
    def a_timer_comes_too_late(self, pick: int) -> None:
        keys = sorted(self.site.disarmed)
        self.site.fire_again(keys[pick % len(keys)])

    @precondition(lambda self: self.site.inbox)
    @rule(most=st.integers(1, 6))
    def the_station_works(self, most: int) -> None:
        self.site.turn(most)

    @rule()
    def the_station_catches_up(self) -> None:
        self.site.turn(len(self.site.inbox))

    @invariant()
    def nobody_comes_in_without_a_101(self) -> None:
        for generation, verdict in self.site.verdicts.items():
            doomed = self.site.arrivals[generation].offered == NOTHING_IN_COMMON
            assert not isinstance(verdict, Admit) or doomed or generation in self.site.granted

    @invariant()
    def upstream_never_sees_two_links(self) -> None:
        if not self.site.inbox:
            assert len([generation for leg, generation in self.site.legs if leg is Leg.UP]) <= 1
            assert len([generation for leg, generation in self.site.legs if leg is Leg.DOWN]) <= 1

    @invariant()
    def the_live_connection_has_both_legs(self) -> None:
        session = self.site.station.session
        if session is not None and not self.site.inbox:
            assert {(leg, session.generation) for leg in Leg} == self.site.legs

    @invariant()
    def what_is_known_is_stored(self) -> None:
        if not self.site.inbox:
            known, hashing = self.site.station.record, self.site.station.admission.unhashed is not None
            assert known == self.site.stored or hashing

    def teardown(self) -> None:
        if not hasattr(self, "site"):
            return
        self.settle()
        self.everybody_has_an_answer()
        self.credentials_are_those_last_accepted()
        self.stop()

    def settle(self) -> None:
        """Upstream falls silent, the worker thread finishes, and whoever is at the door waits as long as it takes."""
        site = self.site
        for _ in range(int(LONGEST_WAIT_S)):
            while site.inbox or site.checks or site.hashes:
                for generation in list(site.checks):
                    site.finish_check(generation)
                for generation in list(site.hashes):
                    site.finish_hash(generation)
                site.turn(len(site.inbox))
            site.let_time_pass(1.0)
        site.turn(len(site.inbox))

    def everybody_has_an_answer(self) -> None:
        site = self.site
        assert site.waiting == set()
        assert site.dials == set()
        assert site.station.admission.candidates == {}
        live = {site.station.session.generation} if site.station.session else set()
        assert {generation for _, generation in site.legs} == live
        assert not [key for key in site.timers if key.startswith(("verdict", "redial", "handshake"))]

    def credentials_are_those_last_accepted(self) -> None:
        """The 101s that the station made use of, in order; before them, what it was switched on with."""
        site = self.site
        used = [generation for generation in site.granted if isinstance(site.verdicts.get(generation), Admit)]
        headers = [self.last_header, *(site.arrivals[generation].authorization for generation in used)]
        assert header_of(site.stored.credential_hash if site.stored else None) == headers[-1]

    def stop(self) -> None:
        site = self.site
        site.perform(site.station.handle(StopRequested(), site.now))
        assert (site.legs, site.dials, site.waiting, site.timers) == (set(), set(), set(), {})

    def told_legs(self) -> list[tuple[Leg, int]]:
        """The sockets that are read: what happens to them is told."""
        legs = [one for one in self.site.legs if one[0] is Leg.DOWN or one[1] in self.site.read]
        return sorted(legs, key=lambda one: (one[1], one[0].value))

    def one_of(self, generations: object, pick: int) -> int:
        chosen = sorted(generations)  # type: ignore[call-overload]
        return int(chosen[pick % len(chosen)])


TestStationHistories = StationHistories.TestCase
TestStationHistories.settings = settings(max_examples=counts.HISTORIES)
