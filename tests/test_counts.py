"""The seed: asked for, or the commit's."""

from __future__ import annotations

from tests import counts


def test_a_seed_that_is_asked_for_is_used() -> None:
    assert counts.seed_from({"EVGATE_SEED": "123"}) == 123


def test_the_commit_s_seed_stays_the_same() -> None:
    assert counts.seed_from({}) == counts.seed_from({})


def test_dice_replay_by_name() -> None:
    assert counts.dice("a").random() == counts.dice("a").random()
    assert counts.dice("a").random() != counts.dice("b").random()
