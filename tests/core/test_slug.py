"""`gateway.core.slug`: names in topics."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.slug import is_slug, reduced, slug

ALPHABET = re.compile(r"[a-z0-9-]{1,48}")
RAW = st.text(max_size=80) | st.text(alphabet="aB0-+ ü\ud800", max_size=60)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("CP01", "cp01"),
        ("EVB-P2043-1", "evb-p2043-1"),
        ("Süd Ladesäule #2", "sud-ladesaule-2-c86a42"),
        ("CP+01/A", "cp-01-a-f5c6e6"),
        ("$SYS", "sys-aa6a7d"),
        ("充电桩7", "7-018c60"),
        ("+", "x-a318c2"),
    ],
)
def test_table(raw: str, expected: str) -> None:
    assert slug(raw) == expected


def test_the_second_of_two_gets_a_hash() -> None:
    first = slug("CP01")
    second = slug("cp01", {first})
    assert re.fullmatch(r"cp01-[0-9a-f]{6}", second)


def test_a_taken_hash_gives_way_to_another() -> None:
    second = slug("cp01", {"cp01"})
    third = slug("cp01", {"cp01", second})
    assert re.fullmatch(r"cp01-[0-9a-f]{6}", third)
    assert third != second


def test_empty_text_has_a_name() -> None:
    assert re.fullmatch(r"x-[0-9a-f]{6}", slug(""))


def test_long_names_are_cut_and_marked() -> None:
    assert slug("A" * 48) == "a" * 48
    assert re.fullmatch(r"a{41}-[0-9a-f]{6}", slug("A" * 49))
    assert re.fullmatch(r"a{40}-[0-9a-f]{6}", slug("a" * 40 + "-" * 9))


def test_letters_that_only_look_like_ascii_are_marked() -> None:
    kelvin = "\N{KELVIN SIGN}1"
    assert re.fullmatch(r"k1-[0-9a-f]{6}", slug(kelvin))
    assert slug("K1") == "k1"


def test_hyphens_at_the_ends_are_a_loss() -> None:
    assert reduced("-cp01-") == "cp01"
    assert re.fullmatch(r"cp01-[0-9a-f]{6}", slug("-cp01-"))
    assert slug("cp--01") == "cp--01"


@pytest.mark.parametrize(
    ("text", "fits"), [("depot3", True), ("", False), ("Depot3", False), ("a" * 49, False), ("a\n", False)]
)
def test_is_slug(text: str, fits: bool) -> None:
    assert is_slug(text) is fits


@given(RAW, st.sets(st.text(alphabet="ab0-", max_size=5)))
def test_any_text_gets_a_free_name_of_the_alphabet(raw: str, taken: set[str]) -> None:
    name = slug(raw, taken)
    assert ALPHABET.fullmatch(name)
    assert name not in taken
    assert name == slug(raw, frozenset(taken))


@given(RAW, st.integers(min_value=1, max_value=6))
def test_the_same_text_can_be_named_again_and_again(raw: str, times: int) -> None:
    names: set[str] = set()
    for _ in range(times):
        names.add(slug(raw, names))
    assert len(names) == times


@given(st.lists(st.text(max_size=12), unique_by=str.casefold, max_size=8))
def test_different_texts_never_share_a_name(raws: list[str]) -> None:
    names: list[str] = []
    for raw in raws:
        names.append(slug(raw, names))
    assert len(set(names)) == len(raws)


@given(st.from_regex(r"[a-z0-9]([a-z0-9-]{0,46}[a-z0-9])?", fullmatch=True))
def test_what_fits_already_stays_as_it_is(raw: str) -> None:
    assert slug(raw) == raw
    assert slug(raw.upper()) == raw
