"""`gateway.core.tags`: how much of a tag is shown."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.redact import redact
from gateway.core.tags import HASH_DIGITS, LONGEST_TAG, TagDisplay, Tags

KEY = b"a key of this gateway"


@pytest.mark.parametrize(
    ("display", "id_tag", "shown"),
    [
        (TagDisplay.MASKED, "04E1A2B34F2A", "****4F2A"),
        (TagDisplay.MASKED, "12345", "****2345"),
        (TagDisplay.MASKED, "1234", "****"),
        (TagDisplay.MASKED, "1", "****"),
        (TagDisplay.MASKED, "x\ud800abc", "****?abc"),
        (TagDisplay.FULL, "04E1A2B34F2A", "04E1A2B34F2A"),
        (TagDisplay.FULL, "\ud800", "?"),
        (TagDisplay.FULL, "7" * 500, "7" * LONGEST_TAG),
        (TagDisplay.NONE, "04E1A2B34F2A", None),
    ],
)
def test_what_is_shown(display: TagDisplay, id_tag: str, shown: str | None) -> None:
    assert Tags(display, KEY).shown(id_tag) == shown


@pytest.mark.parametrize("display", list(TagDisplay))
@pytest.mark.parametrize("id_tag", [None, ""])
def test_no_tag_is_no_tag(display: TagDisplay, id_tag: str | None) -> None:
    assert Tags(display, KEY).shown(id_tag) is None


def test_a_hash_is_that_of_the_key_and_of_the_tag_in_any_case() -> None:
    tags = Tags(TagDisplay.HASH, KEY)
    expected = hmac.new(KEY, b"04e1a2b34f2a", hashlib.sha256).hexdigest()[:HASH_DIGITS]
    assert tags.shown("04E1A2B34F2A") == tags.shown("04e1a2b34f2a") == expected
    assert tags.shown("04E1A2B34F2B") != expected
    assert Tags(TagDisplay.HASH, b"another").shown("04E1A2B34F2A") != expected
    assert tags.shown("\ud800") is not None


def test_without_a_key_there_is_no_hash() -> None:
    assert Tags(TagDisplay.HASH).shown("04E1A2B34F2A") is None


def test_the_key_is_not_shown() -> None:
    assert "a key" not in repr(Tags(TagDisplay.HASH, KEY))


def test_the_words_of_the_configuration() -> None:
    assert [display.value for display in TagDisplay] == ["masked", "full", "hash", "none"]
    assert Tags().display is TagDisplay.MASKED


@given(st.text(alphabet="0123456789ABCDEFabcdef-", min_size=1, max_size=40))
def test_the_message_log_masks_alike(id_tag: str) -> None:
    assert redact(f'{{"idTag": "{id_tag}"}}') == f'{{"idTag": "{Tags().shown(id_tag)}"}}'
