"""What a reload takes over: the table is complete, and what it says is done."""

from __future__ import annotations

import pytest

from gateway.settings import Address, Settings, needs_restart, taken_over
from gateway.settings.reloading import SIDES
from gateway.settings.schema import LISTS, section_at
from tests.settings.site import settings_from

SITE = """
[site]
id = "depot3"
[chargers]
idle_limit = "4m"
[[upstream]]
name = "operator"
url = "wss://csms.example.com/ocpp"
[[charger]]
identity = "CP01"
[mqtt]
username = "u"
password = "one"
"""


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_key_is_on_one_side(name: str) -> None:
    section, sides = section_at((name,)), SIDES[name]
    assert section is not None
    assert sides.reload | sides.restart == set(section.model_fields)
    assert not sides.reload & sides.restart
    assert name not in LISTS or not (sides.reload and sides.restart)


def test_no_other_section_is_in_the_table() -> None:
    assert set(SIDES) == set(Settings.model_fields)


def test_nothing_has_changed() -> None:
    assert needs_restart(settings_from(SITE), settings_from(SITE)) == []
    assert dict(taken_over(settings_from(SITE), settings_from(SITE))) == dict(settings_from(SITE))


@pytest.mark.parametrize(
    "text",
    [
        SITE.replace("4m", "5m"),
        SITE.replace("[chargers]", "[chargers]\nunknown = 'accept'"),
        SITE.replace('"CP01"', '"CP02"\nalias = "left"\npassword = "x"'),
        SITE.replace("wss://csms", "wss://other"),
        SITE + "[authorization]\nstandalone = 'list'\n",
        SITE + "[log]\nlevel = 'debug'\n",
    ],
)
def test_what_a_reload_takes_over(text: str) -> None:
    old, new = settings_from(SITE), settings_from(text)
    assert dict(old) != dict(new)
    assert needs_restart(old, new) == []
    assert dict(taken_over(old, new)) == dict(new)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        (SITE.replace("depot3", "depot4"), ["site.id"]),
        (SITE.replace("[chargers]", "[chargers]\nlisten = '127.0.0.1:1'\nmax_frame = '1MiB'"), None),
        (SITE + "[chargers.tls]\ncertificate = '/c'\nkey = '/k'\n", ["chargers.tls"]),
        (SITE.replace('"one"', '"two"'), ["mqtt.password"]),
        (SITE + "url = 'mqtt://other'\n", ["mqtt.url"]),
        (SITE + "[[bus]]\nid = 'cabinet'\nurl = 'tcp://h'\n", ["[[bus]]"]),
        (SITE + "[status_page]\nlisten = []\n[store]\npath = '/x.db'\n", ["store.path", "status_page.listen"]),
    ],
)
def test_what_takes_a_restart(text: str, keys: list[str] | None) -> None:
    old, new = settings_from(SITE), settings_from(text)
    expected = keys or ["chargers.listen", "chargers.max_frame"]
    assert needs_restart(old, new) == [
        f"{key} has changed, which takes a restart: systemctl restart evgate" for key in expected
    ]
    assert dict(taken_over(old, new)) == dict(old)
    assert needs_restart(taken_over(old, new), new) == needs_restart(old, new)


def test_a_mixture() -> None:
    old = settings_from(SITE)
    text = SITE.replace("[chargers]", "[chargers]\nunknown = 'accept'\nlisten = '127.0.0.1:1'")
    mixed = taken_over(old, settings_from(text))
    assert mixed.chargers.listen == (Address("0.0.0.0", 9000),)
    assert mixed.chargers.unknown == "accept"
    assert mixed.origins.files == ("a.toml",)


def test_a_broker_that_is_now_asked_for() -> None:
    without, given = settings_from(""), settings_from("[mqtt]\n")
    assert needs_restart(without, given) == ["[mqtt] has changed, which takes a restart: systemctl restart evgate"]
    assert not taken_over(without, given).mqtt_given
    assert taken_over(given, without).mqtt_given
