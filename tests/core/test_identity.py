"""Request target to identity and back."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.core.identity import (
    BadTarget,
    Identity,
    length_warning,
    quote_identity,
    read_identity,
    upstream_url,
)


@pytest.mark.parametrize(
    ("path", "identity"),
    [
        ("/CP1", "CP1"),
        ("CP1", "CP1"),
        ("/ocpp/CP1", "CP1"),
        ("/any/prefix/of/any/depth/CP1", "CP1"),
        ("/ocpp/CP1/", "CP1"),
        ("///CP1", "CP1"),
        ("/ocpp///CP1///", "CP1"),
        ("/ocpp/CP1?token=abc/def", "CP1"),
        ("/ocpp/CP1#part/x", "CP1"),
        ("/ocpp/CP1#a?b", "CP1"),
        ("/ocpp/RDAM%20123", "RDAM 123"),
        ("/ocpp/a+b", "a+b"),
        ("/ocpp/a%2Bb", "a+b"),
        ("/ocpp/100%25", "100%"),
        ("/ocpp/%2525", "%25"),
        ("/ocpp/bad%zzescape", "bad%zzescape"),
        ("/ocpp/a%7Cb", "a|b"),
        ("/ocpp/%C3%A9t%C3%A9", "été"),
        ("/ocpp/DE*ABC*E1234", "DE*ABC*E1234"),
        ("/ocpp/CP1:2", "CP1:2"),
        ("ws://gateway:9000/ocpp/CP1", "CP1"),
        ("/proxy/ws://csms/CP1", "CP1"),
        ("/ocpp/...", "..."),
    ],
)
def test_the_last_segment_is_the_identity(path: str, identity: str) -> None:
    read = read_identity(path)
    assert isinstance(read, Identity)
    assert read.text == identity


@pytest.mark.parametrize("path", ["", "/", "///", "?identity=CP1", "/#CP1", "ws://gateway:9000", "ws://gateway:9000/"])
def test_a_url_without_identity_is_told_what_to_append(path: str) -> None:
    read = read_identity(path)
    assert isinstance(read, BadTarget)
    assert read.missing
    assert "append / and the charger's identity" in read.reason


@pytest.mark.parametrize(
    ("path", "flaw"),
    [
        ("/ocpp/%ff", "not UTF-8"),
        ("/ocpp/%C3", "not UTF-8"),
        ("/ocpp/%ED%A0%80", "not UTF-8"),
        ("/ocpp/a%2Fb", "slash"),
        ("/ocpp/a%2fb", "slash"),
        ("/ocpp/a%00b", "control"),
        ("/ocpp/a%0D%0Ab", "control"),
        ("/ocpp/a%7F", "control"),
        ("/ocpp/a%C2%85", "control"),
        ("/ocpp/CP1%E2%80%8B", "invisible"),
        ("/ocpp/CP1%E2%80%AE", "invisible"),
        ("/ocpp/CP1%E2%80%A8", "invisible"),
        ("/ocpp/..", "step in a path"),
        ("/ocpp/%2e%2E", "step in a path"),
        ("/ocpp/.", "step in a path"),
        ("/ocpp/" + "x" * 256, "256 characters and 255"),
    ],
)
def test_an_unusable_identity_is_refused_with_a_reason(path: str, flaw: str) -> None:
    read = read_identity(path)
    assert isinstance(read, BadTarget)
    assert not read.missing
    assert flaw in read.reason
    assert read.reason.endswith("set another identity in the charger")
    assert read.reason.isprintable()
    assert len(read.reason) < 250


@pytest.mark.parametrize(("length", "warned"), [(48, False), (49, True), (255, True)])
def test_more_than_48_characters_are_said(length: int, warned: bool) -> None:
    assert read_identity("/" + "x" * length) == Identity("x" * length)
    warning = length_warning("x" * length)
    assert (warning is not None) is warned
    assert f"{length} characters" in (warning or f"{length} characters")


def test_length_counts_characters_not_bytes() -> None:
    assert isinstance(read_identity("/" + quote_identity("é" * 255)), Identity)


@pytest.mark.parametrize(
    ("template", "url"),
    [
        ("wss://csms.example/ocpp", "wss://csms.example/ocpp/RDAM%20123"),
        ("wss://csms.example/ocpp/", "wss://csms.example/ocpp/RDAM%20123"),
        ("wss://csms.example", "wss://csms.example/RDAM%20123"),
        ("wss://csms.example/{identity}/ws", "wss://csms.example/RDAM%20123/ws"),
        ("wss://csms.example/x?cp={identity}", "wss://csms.example/x?cp=RDAM%20123"),
        ("wss://csms.example/ocpp?tenant=7", "wss://csms.example/ocpp/RDAM%20123?tenant=7"),
    ],
)
def test_where_upstream_awaits_the_charger(template: str, url: str) -> None:
    assert upstream_url(template, "RDAM 123") == url


def test_everything_but_unreserved_characters_is_encoded() -> None:
    assert quote_identity("a|b*c/d?e#f%g+h é-._~") == "a%7Cb%2Ac%2Fd%3Fe%23f%25g%2Bh%20%C3%A9-._~"


@given(st.text(min_size=1, max_size=255), st.sampled_from(["", "/", "//", "?x=/y", "#/z"]))
def test_an_allowed_identity_reaches_upstream_as_it_came(text: str, tail: str) -> None:
    try:
        segment = quote_identity(text)
    except UnicodeEncodeError:
        assume(False)
    read = read_identity(f"/some/prefix/{segment}{tail}")
    assume(isinstance(read, Identity))
    assert isinstance(read, Identity)
    assert read.text == text
    again = read_identity(upstream_url("wss://csms.example/ocpp", read.text).removeprefix("wss://csms.example"))
    assert again == read


@given(st.text())
def test_no_target_breaks_the_reader(path: str) -> None:
    read = read_identity(path.encode("utf-8", "surrogatepass").decode("iso-8859-1"))
    if isinstance(read, Identity):
        assert 1 <= len(read.text) <= 255
        assert "/" not in read.text
        assert not any(ord(char) < 32 for char in read.text)
    else:
        assert read.reason
