"""On what terms: credentials kept and compared, passwords of our own, subprotocols."""

from __future__ import annotations

import base64

import pytest

from gateway.core.effects import (
    Admit,
    CheckCredentials,
    CloseLeg,
    Dial,
    HashCredentials,
    Level,
    Note,
    SaveStation,
)
from gateway.core.events import Leg
from gateway.core.policy import UpstreamPolicy
from tests.core.chargers import compare, knock
from tests.core.drive import HASH, MINE, OTHER, drive, known, only, status_of

# What a 101 teaches


def test_the_first_101_is_remembered_with_its_credentials() -> None:
    table = drive()
    generation = table.arrive(MINE)
    effects = table.accept(generation)
    assert table.saved == [], "a row without a hash would say that no credentials were ever used"
    assert only(effects, HashCredentials) == [HashCredentials(generation, MINE)]
    table.hashed(generation, HASH)
    assert table.saved == [known(HASH)]
    assert table.station.record == known(HASH)


def test_the_spelling_first_seen_is_kept() -> None:
    table = drive()
    table.accept(table.arrive(identity="cP01"))
    table.accept(table.arrive(identity="CP01"))
    assert table.station.record is not None
    assert table.station.record.identity == "cP01"
    assert [dial.identity for dial in table.all(Dial)] == ["cP01", "CP01"]


@pytest.mark.parametrize("check", ["first", "last"])
def test_nothing_is_written_when_nothing_changed(check: str) -> None:
    table, generation = knock("unchanged", check=check)
    table.accept(generation)
    if check == "last":
        compare(table, "unchanged", generation)
    assert table.all(SaveStation) == []
    assert table.all(HashCredentials) == []


@pytest.mark.parametrize("check", ["first", "last"])
def test_changed_credentials_are_kept_once_upstream_took_them(check: str) -> None:
    table, generation = knock("changed", check=check)
    table.accept(generation)
    if check == "last":
        compare(table, "changed", generation)
    assert table.all(HashCredentials) == [HashCredentials(generation, OTHER)]
    table.hashed(generation, "scrypt$other")
    assert table.saved == [known("scrypt$other")]


def test_a_hash_is_still_kept_when_the_comparison_ends_after_the_upgrade() -> None:
    table, generation = knock("changed", check="never")
    table.accept(generation)
    table.connect(generation)
    assert only(table.checked(generation, False), HashCredentials) == [HashCredentials(generation, OTHER)]


def test_credentials_that_upstream_refused_are_not_kept() -> None:
    table, generation = knock("changed")
    table.refuse(generation, 401)
    assert table.all(HashCredentials) == []
    assert table.station.record == known(HASH)


def test_credentials_that_are_no_longer_used_are_forgotten() -> None:
    table, generation = knock("credentials dropped")
    table.accept(generation)
    assert table.saved == [known(None)]


def test_the_hash_of_an_older_101_does_not_replace_a_newer_one() -> None:
    table = drive(known(HASH))
    first = table.arrive(OTHER)
    table.checked(first, False)
    table.accept(first)
    second = table.arrive(None)
    table.accept(second)
    assert table.hashed(first, "scrypt$other") == []
    assert table.station.record == known(None)


@pytest.mark.parametrize("compared", ["before", "after"])
def test_a_comparison_counts_only_until_the_next_101(compared: str) -> None:
    """Two chargers of one identity: what was the same as the last accepted is so no more."""
    table = drive(known(HASH))
    first, second = table.arrive(None), table.arrive(MINE)
    if compared == "before":
        table.checked(second, True)
    table.accept(first)
    assert table.station.record == known(None)
    table.accept(second)
    if compared == "after":
        table.checked(second, True)
    assert table.all(HashCredentials) == [HashCredentials(second, MINE)]
    table.hashed(second, HASH)
    assert table.station.record == known(HASH)


@pytest.mark.parametrize(("authorization", "same"), [(MINE, True), (OTHER, False), (None, False)])
def test_credentials_are_compared_before_their_hash_is_computed(authorization: str | None, same: bool) -> None:
    """Chargers redial faster than a small computer hashes."""
    table = drive()
    first = table.online(MINE)
    table.arrive(authorization)
    assert table.all(CheckCredentials) == []
    assert (table.live() is None) == same
    assert table.counted["taken_over"] == same
    table.hashed(first, HASH)
    assert table.station.record == known(HASH)


def test_credentials_taken_again_before_their_hash_is_computed_are_hashed_again() -> None:
    table = drive()
    first = table.online(MINE)
    second = table.online(MINE)
    assert table.all(HashCredentials) == [HashCredentials(first, MINE), HashCredentials(second, MINE)]
    assert table.hashed(first, "scrypt$first") == []
    table.hashed(second, HASH)
    assert table.station.record == known(HASH)
    assert table.saved == [known(HASH)]


def test_no_credentials_after_some_that_were_never_hashed_are_stored() -> None:
    table = drive()
    table.online(MINE)
    table.online(None)
    assert table.saved == [known(None)]


def test_credentials_known_again_need_no_hash() -> None:
    table = drive(known(HASH))
    first = table.arrive(MINE)
    table.accept(first)
    table.connect(first)
    table.checked(first, True)
    table.arrive(MINE)
    assert len(table.all(CheckCredentials)) == 2
    assert table.all(HashCredentials) == []


def test_a_hash_without_a_record_is_nobodys() -> None:
    assert drive().hashed(0, HASH) == []


def test_another_version_is_remembered() -> None:
    table = drive(known())
    table.accept(table.arrive(offered=("ocpp2.0.1", "ocpp1.6")), "ocpp2.0.1")
    assert [record.subprotocol for record in table.saved] == ["ocpp2.0.1"]


# The gateway's own checks


def test_without_an_upstream_there_is_nobody_to_ask() -> None:
    table = drive(upstream=None)
    generation = table.arrive()
    assert status_of(table.verdicts[generation]) == 503
    (note,) = table.all(Note)
    assert (note.what, note.level) == ("no_upstream", Level.ERROR)
    assert "[[upstream]]" in note.text
    assert table.idle()


def basic(password: str, user: str = "CP01") -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_the_configured_password_opens_the_door_to_upstream() -> None:
    table = drive(password="correct")
    table.arrive(basic("correct"))
    assert [dial.authorization for dial in table.all(Dial)] == [basic("correct")]


@pytest.mark.parametrize("authorization", [None, basic("wrong"), basic("correct", "CP02"), "Bearer correct", "Basic !"])
def test_a_wrong_password_is_401_and_upstream_is_not_asked(authorization: str | None) -> None:
    table = drive(known(HASH), password="correct")
    generation = table.arrive(authorization)
    assert status_of(table.verdicts[generation]) == 401
    assert table.all(Dial) == []
    assert table.counted["wrong_password"] == 1
    assert table.station.admission.candidates == {}
    assert "correct" not in table.all(Note)[0].text


@pytest.mark.parametrize(("username", "user"), [(None, "CP01"), ("site", "site")])
@pytest.mark.parametrize("shown", [None, MINE])
def test_an_upstream_with_a_password_sees_that_one(username: str | None, user: str, shown: str | None) -> None:
    table = drive(upstream=UpstreamPolicy("operator", username=username, password="gateway"))
    table.arrive(shown)
    assert [dial.authorization for dial in table.all(Dial)] == [basic("gateway", user)]


@pytest.mark.parametrize(
    ("offered", "secret"), [("ocpp1.6", b"\x01" * 20), ("ocpp2.0.1", b"01" * 20), ("ocpp1.5", b"")]
)
def test_the_form_of_the_password_is_that_of_the_version(offered: str, secret: bytes) -> None:
    table = drive(upstream=UpstreamPolicy("operator", password="01" * 20))
    table.arrive(offered=(offered,))
    wanted = ["Basic " + base64.b64encode(b"CP01:" + secret).decode()] if secret else []
    assert [dial.authorization for dial in table.all(Dial)] == wanted


# Subprotocols


@pytest.mark.parametrize(
    ("offered", "pinned", "asked", "chosen", "answered"),
    [
        (("ocpp1.6",), None, ("ocpp1.6",), "ocpp1.6", "ocpp1.6"),
        (("OCPP1.6",), None, ("OCPP1.6",), "OCPP1.6", "OCPP1.6"),
        (("ocpp2.0.1", "mqtt", "ocpp1.6"), None, ("ocpp2.0.1", "ocpp1.6"), "ocpp1.6", "ocpp1.6"),
        (("ocpp2.0.1", "ocpp1.6"), "ocpp1.6", ("ocpp1.6",), "ocpp1.6", "ocpp1.6"),
        ((), None, ("ocpp1.6",), "ocpp1.6", None),
        ((), None, ("ocpp1.6",), None, None),
        ((), "ocpp2.0.1", ("ocpp2.0.1",), "ocpp2.0.1", None),
        (("ocpp1.6",), None, ("ocpp1.6",), None, None),
    ],
)
def test_the_charger_gets_what_upstream_chose(
    offered: tuple[str, ...], pinned: str | None, asked: tuple[str, ...], chosen: str | None, answered: str | None
) -> None:
    table = drive(subprotocol=pinned)
    generation = table.arrive(offered=offered)
    assert [dial.subprotocols for dial in table.all(Dial)] == [asked]
    table.accept(generation, chosen)
    assert table.verdicts == {generation: Admit(generation, answered)}
    assert table.saved[-1].subprotocol == (chosen or asked[0])
    table.connect(generation)
    assert table.counted["subprotocol_assumed"] == (not offered)
    assert table.counted["version_not_read"] == ((chosen or asked[0]).lower() != "ocpp1.6")


@pytest.mark.parametrize(("offered", "pinned"), [(("ocpp1.5", "soap"), None), (("ocpp2.0.1",), "ocpp1.6")])
def test_nothing_in_common_completes_the_upgrade_and_closes(offered: tuple[str, ...], pinned: str | None) -> None:
    table = drive(known(), subprotocol=pinned)
    generation = table.arrive(offered=offered)
    assert table.verdicts == {generation: Admit(generation, None)}
    assert table.all(Dial) == []
    effects = table.connect(generation)
    assert only(effects, CloseLeg) == [CloseLeg(Leg.DOWN, generation, 1002, "no common subprotocol")]
    (note,) = only(effects, Note)
    assert note.what == "no_common_subprotocol"
    assert offered[0] in note.text
    assert (pinned or "1.6-J") in note.text
    assert table.live() is None
    assert table.due == {}


@pytest.mark.parametrize(
    ("password", "form"), [("secret", "text"), ("736563726574", "bytes that the hex digits stand for")]
)
def test_the_form_of_the_password_is_told(password: str, form: str) -> None:
    table = drive(password=password)
    generation = table.arrive(MINE)
    table.accept(generation)
    note = only(table.connect(generation), Note)[0]
    assert note.text.endswith(f"its password shown as {form}")
    assert password not in note.text
