"""What the daemon will do, what it will not do yet, and what is likely to be a mistake: in sentences."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.settings import Settings, load, not_in_this_version, plan, warnings
from tests.settings.site import settings_from, write_site

SITE = """
[site]
id = "depot3"
name = "Depot 3"
[chargers]
unknown = "accept"
[[upstream]]
name = "operator"
url = "wss://csms.example.com/ocpp"
"""


def test_a_site() -> None:
    assert plan(settings_from(f'{SITE}[mqtt]\nurl = "mqtt://broker"\nusername = "u"\n')) == [
        "This is site depot3 (Depot 3).",
        (
            "Chargers connect on every IPv4 address, port 9000: ws://<this machine's address>:9000/CP01 "
            "(any path may precede the identity, most chargers add that)."
        ),
        "A charger silent for 3m, or for three heartbeats if that is longer, is disconnected.",
        "A frame over 2MiB closes the connection it came on.",
        "A charger without [[charger]] is let in and relayed like the others.",
        (
            "Upstream operator: wss://csms.example.com/ocpp/CP01 for a charger CP01; "
            "chargers' own passwords are passed on."
        ),
        "Every charger runs strict_relay in this version: without its upstream it is disconnected as well.",
        "State is published to the MQTT broker broker:1883, as user u, below evgate/depot3/.",
        "Durable state is kept in /var/lib/evgate/evgate.db.",
        "The log has everything from level info up.",
    ]


def test_without_upstream_and_broker() -> None:
    text = "\n".join(plan(settings_from("[[charger]]\nidentity = 'CP01'\n")))
    assert ", after the host name." in text
    assert "There is no [[upstream]] to relay to: every charger gets HTTP 503 in this version." in text
    assert 'Charger "CP01": gets HTTP 503, because there is no upstream for it.' in text
    assert (
        "A charger without [[charger]] gets HTTP 404 and is quarantined, until `evgate charger adopt` lets it in."
        in text
    )
    assert "No [mqtt] is given: a broker on 127.0.0.1:1883 is tried quietly" in text


def test_everything_that_can_be_said_of_listeners_chargers_and_upstreams() -> None:
    text = "\n".join(
        plan(
            settings_from(
                """
                [chargers]
                listen = ["192.0.2.1:9000", "[::]:9000", "127.0.0.1:0"]
                [chargers.tls]
                certificate = "/c"
                key = "/k"
                client_ca = "/ca"
                [[charger]]
                identity = "RDAM 123"
                alias = "left"
                password = "x"
                upstream = "second"
                [[upstream]]
                name = "first"
                url = "ws://first/?token=abc&cp={identity}"
                [[upstream]]
                name = "second"
                url = "wss://second/"
                username = "site"
                password = "x"
                ca = "/operator-ca"
                certificate = "/c"
                key = "/k"
                local_address = "192.0.2.7"
                [[upstream]]
                name = "third"
                url = "wss://third/"
                password = "x"
                [[upstream]]
                name = "watch"
                url = "wss://watch/"
                mode = "read_only"
                [mqtt]
                url = "mqtts://broker"
                """
            )
        )
    )
    assert "on 192.0.2.1, port 9000: ws://192.0.2.1:9000/RDAM%20123 (" in text
    assert "on every IPv6 address, port 9000: ws://<this machine's address>:9000/RDAM%20123 (" in text
    assert "on 127.0.0.1, port any free one: ws://127.0.0.1:<port>/RDAM%20123 (" in text
    assert "on every IPv4 address, port 9443: wss://<this machine's address>:9443/RDAM%20123 (" in text
    assert "On wss:// chargers see the certificate /c and must show one signed by /ca." in text
    assert (
        'Charger "RDAM 123", left in MQTT, must show its password here: relayed to upstream second '
        "as wss://second/RDAM%20123." in text
    )
    assert "Upstream first: ws://first/?... for a charger CP01; chargers' own passwords are passed on; " in text
    assert "; used for every charger that names no other." in text
    assert (
        "Upstream second: wss://second/CP01 for a charger CP01; the gateway logs in as site for every charger; "
        "only servers signed by /operator-ca are trusted; the gateway shows the certificate /c; "
        "dialled from 192.0.2.7." in text
    )
    assert "Upstream third: wss://third/CP01 for a charger CP01; the gateway logs in as its identity for every" in text
    assert "Upstream watch: not used in this version (read_only)." in text
    assert "MQTT broker broker:8883, encrypted, below " in text


def test_a_tls_listener_that_asks_for_nothing() -> None:
    text = "\n".join(plan(settings_from("[chargers.tls]\ncertificate = '/c'\nkey = '/k'")))
    assert "see the certificate /c and need none of their own." in text


def test_nothing_is_missing_in_a_plain_site() -> None:
    assert not_in_this_version(settings_from(SITE)) == []


def test_what_is_set_and_not_built_is_named() -> None:
    found = not_in_this_version(
        settings_from(
            """
            [store]
            quota = "30MB"
            [mqtt]
            discovery = true
            allow = ["start"]
            id_tags = "full"
            [authorization]
            standalone = "list"
            [status_page]
            listen = []
            [[upstream]]
            name = "operator"
            url = "wss://h/"
            replay_rate = 5
            quirks = ["x"]
            [[upstream]]
            name = "watch"
            url = "wss://w/"
            mode = "read_only"
            [[charger]]
            identity = "CP01"
            outage = "store_forward"
            intercept = "on"
            meters = { "1" = "grid" }
            [[bus]]
            id = "cabinet"
            url = "tcp://h"
            [[meter]]
            id = "grid"
            bus = "cabinet"
            profile = "p"
            """
        )
    )
    assert [sentence.partition(":")[0] for sentence in found] == [
        "[authorization]",
        "[[bus]]",
        "[[meter]]",
        "[status_page]",
        "mqtt.discovery",
        "mqtt.allow",
        "charger[CP01].outage",
        "charger[CP01].intercept",
        "charger[CP01].meters",
        "upstream[operator].replay_rate",
        "upstream[operator].quirks",
        "upstream[watch].mode",
    ]
    assert all(": not in this version, " in sentence for sentence in found)


def test_what_asks_for_what_happens_anyway_is_not_named() -> None:
    text = f"""
    {SITE}
    mode = "primary"
    quirks = []
    [mqtt]
    discovery = false
    commands = "off"
    [[charger]]
    identity = "CP01"
    outage = "strict_relay"
    intercept = "off"
    meters = {{}}
    """
    settings = settings_from(text.replace("    ", ""), "bus = []\nmeter = []")
    assert not_in_this_version(settings) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("[chargers]\nunknown = 'refuse'", "no [[charger]] is configured and others are refused; add each"),
        ("[site]\nid = 'debian'\n[chargers]\nunknown = 'accept'", None),
        ("[chargers]\nunknown = 'accept'\nlisten = '0.0.0.0:80'", "port 80 can be opened by root only"),
        ("[[charger]]\nidentity = 'a:b'", 'charger "a:b": with a colon in its identity it cannot use a password'),
        (f"[[charger]]\nidentity = '{'x' * 49}'", "its identity is longer than the 48 characters of OCPP 2.x"),
        (f"{SITE}[authorization]\nstandalone = 'list'", "authorization.list is empty"),
        (SITE.replace("wss:", "ws:"), "upstream operator: ws:// is not encrypted"),
        (SITE.replace("wss://csms.example.com", "ws://127.0.0.1"), None),
        (
            SITE.replace("[[upstream]]", '[[upstream]]\npassword = "x"'),
            "upstream operator has a password of its own",
        ),
        (SITE.replace("/ocpp", "/?x={identity}"), "upstream operator: what follows ? in the url is logged elsewhere"),
        (f"{SITE}[mqtt]\nurl = 'mqtt://b'\nusername = 'u'\npassword = 'x'", "mqtt: the password goes to b unencrypted"),
        (f"{SITE}[mqtt]\nusername = 'u'\npassword = 'x'", None),
    ],
)
def test_warnings(text: str, expected: str | None) -> None:
    settings = settings_from("[site]\nid = 'depot3'", text)
    found = warnings(settings)
    assert len(found) == (0 if expected is None else 1), found
    assert expected is None or expected in found[0]


def test_a_host_name_that_every_raspberry_pi_has() -> None:
    site = Settings().site
    for name, count in (("raspberrypi", 1), ("depot3", 0)):
        settings = Settings(site=site.model_copy(update={"id": name}))
        settings = settings.model_copy(update={"site": type(site).model_construct(_fields_set=set(), id=name)})
        assert len([text for text in warnings(settings) if "other sites will have too" in text]) == count


def load_with_mode(folder: Path, text: str, modes: dict[str, int]) -> Settings:
    path = write_site(folder, f"[chargers]\nunknown = 'accept'\n{text}")
    for name, mode in modes.items():
        (folder / name).touch()
        (folder / name).chmod(mode)
    return load(path, {})


@pytest.mark.parametrize(
    ("text", "modes", "expected"),
    [
        (
            "password = 'x'",
            {"gateway.toml": 0o644},
            (
                "{0}/gateway.toml holds mqtt.password and every user may read it; "
                "give it to evgate's user and chmod 600 {0}/gateway.toml"
            ),
        ),
        ("password = 'x'", {"gateway.toml": 0o640}, None),
        (
            "password = {{ file = '{0}/s' }}",
            {"s": 0o644, "gateway.toml": 0o644},
            "{0}/s holds a secret and every user ",
        ),
        ("password = {{ file = '{0}/s' }}", {"s": 0o600, "gateway.toml": 0o644}, None),
        ("password = {{ credential = 's' }}", {"gateway.toml": 0o644}, None),
        ("password = {{ file = '{0}/none' }}", {}, None),
    ],
)
def test_secrets_that_every_user_may_read(
    text: str, modes: dict[str, int], expected: str | None, tmp_path: Path
) -> None:
    settings = load_with_mode(tmp_path, f"[mqtt]\nusername = 'u'\n{text.format(tmp_path)}", modes)
    found = warnings(settings)
    assert len(found) == (0 if expected is None else 1)
    assert expected is None or found[0].startswith(expected.format(tmp_path))


def test_a_file_is_named_once(tmp_path: Path) -> None:
    text = "[[upstream]]\nname = 'a'\nurl = 'wss://h/'\npassword = 'x'\n[mqtt]\nusername = 'u'\npassword = 'x'"
    settings = load_with_mode(tmp_path, text, {"gateway.toml": 0o644})
    assert len([text for text in warnings(settings) if "every user may read it" in text]) == 1


def test_keys_that_every_user_may_read(tmp_path: Path) -> None:
    text = f"[chargers.tls]\ncertificate = '/c'\nkey = '{tmp_path}/k'"
    assert len(warnings(load_with_mode(tmp_path, text, {"k": 0o644}))) == 1
    assert warnings(load_with_mode(tmp_path, text, {"k": 0o640})) == []


def test_secrets_of_the_environment_are_in_no_file(tmp_path: Path) -> None:
    path = write_site(tmp_path, "[chargers]\nunknown = 'accept'\n[mqtt]\nusername = 'u'")
    path.chmod(0o644)
    assert warnings(load(path, {"EVGATE_MQTT__PASSWORD": "x"})) == []
