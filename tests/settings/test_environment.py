"""Settings from the environment: every single value, and nothing that is not a setting."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from gateway.settings import Address, ConfigurationError, load
from gateway.settings.environment import variable_of
from gateway.settings.schema import single_values
from tests.settings.site import write_site

VALUES = {
    "EVGATE_SITE__ID": "depot3",
    "EVGATE_SITE__CLOCK": "trusted",
    "EVGATE_STORE__PATH": "/x.db",
    "EVGATE_STORE__QUOTA": "50MB",
    "EVGATE_CHARGERS__LISTEN": "127.0.0.1:1, [::1]:2",
    "EVGATE_CHARGERS__UNKNOWN": "refuse",
    "EVGATE_CHARGERS__IDLE_LIMIT": "5m",
    "EVGATE_CHARGERS__MAX_FRAME": "1MiB",
    "EVGATE_CHARGERS__TLS__LISTEN": "127.0.0.1:3",
    "EVGATE_CHARGERS__TLS__CERTIFICATE": "/c",
    "EVGATE_CHARGERS__TLS__CLIENT_CA": "/ca",
    "EVGATE_CHARGERS__TLS__KEY__CREDENTIAL": "tls-key",
    "EVGATE_AUTHORIZATION__UNKNOWN_OFFLINE": "accept",
    "EVGATE_AUTHORIZATION__ACCEPT_UNKNOWN_OFFLINE": "yes",
    "EVGATE_AUTHORIZATION__CACHE_MAX_AGE": "1d",
    "EVGATE_AUTHORIZATION__STANDALONE": "list",
    "EVGATE_AUTHORIZATION__LIST": "TAG1,TAG2",
    "EVGATE_MQTT__URL": "mqtts://broker",
    "EVGATE_MQTT__USERNAME": "u",
    "EVGATE_MQTT__PASSWORD": '{"not": "json"}',
    "EVGATE_MQTT__CA": "/ca",
    "EVGATE_MQTT__CERTIFICATE": "/c",
    "EVGATE_MQTT__KEY": "/k",
    "EVGATE_MQTT__DISCOVERY": "false",
    "EVGATE_MQTT__DISCOVERY_MODE": "component",
    "EVGATE_MQTT__COMMANDS": "off",
    "EVGATE_MQTT__ALLOW": "start,stop",
    "EVGATE_MQTT__ID_TAGS": "none",
    "EVGATE_STATUS_PAGE__LISTEN": "127.0.0.1:4",
    "EVGATE_LOG__LEVEL": "debug",
}


def problems(tmp_path: Path, text: str, environ: dict[str, str]) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load(write_site(tmp_path, text), environ)
    return str(caught.value).split("\n")


def test_every_single_value_can_be_set(tmp_path: Path) -> None:
    every = {variable_of(path): "x" for path, _ in single_values()}
    every["EVGATE_CHARGERS__TLS__KEY__CREDENTIAL"] = every.pop("EVGATE_CHARGERS__TLS__KEY")
    settings = load(write_site(tmp_path, ""), {**every, **VALUES})
    assert settings.site.id == "depot3"
    assert settings.chargers.listen == (Address("127.0.0.1", 1), Address("::1", 2))
    assert settings.chargers.idle_limit == timedelta(minutes=5)
    assert settings.chargers.tls is not None
    assert settings.chargers.tls.key.credential == "tls-key"
    assert settings.authorization.accept_unknown_offline is True
    assert settings.authorization.list == ("TAG1", "TAG2")
    assert settings.mqtt.discovery is False
    assert settings.mqtt.allow == ("start", "stop")
    assert settings.mqtt.password is not None
    assert settings.mqtt.password.reveal() == '{"not": "json"}'
    assert settings.mqtt_given


def test_it_overrides_files_and_drop_ins(tmp_path: Path) -> None:
    path = write_site(tmp_path, '[mqtt]\nroot = "a"\nid_tags = "hash"\n', {"x.toml": '[mqtt]\nroot = "b"\n'})
    settings = load(path, {"EVGATE_MQTT__ROOT": "c"})
    assert (settings.mqtt.root, settings.mqtt.id_tags) == ("c", "hash")


def test_it_replaces_a_secret_as_a_whole(tmp_path: Path) -> None:
    path = write_site(tmp_path, '[mqtt]\nusername = "u"\npassword = { credential = "x" }\n')
    password = load(path, {"EVGATE_MQTT__PASSWORD__FILE": "/y"}).mqtt.password
    assert password is not None
    assert (password.credential, password.file) == (None, Path("/y"))


def test_case_of_names_and_empty_values_do_not_matter(tmp_path: Path) -> None:
    settings = load(write_site(tmp_path, ""), {"EVGATE_log__level": "error", "EVGATE_MQTT__URL": ""})
    assert settings.log.level == "error"
    assert not settings.mqtt_given


def test_other_variables_are_left_alone(tmp_path: Path) -> None:
    others = {"EVGATE_CONTROL": "/run/x.sock", "EVGATE_SEED": "1", "PATH": "/bin", "EVGATE": "x", "MQTT__URL": "x"}
    assert not load(write_site(tmp_path, ""), others).mqtt_given


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("EVGATE_MQTT__ROOTT", "x", "is not a setting; did you mean EVGATE_MQTT__ROOT?"),
        ("EVGATE_MQTT_URL", "x", "is not a setting; did you mean EVGATE_MQTT__URL?"),
        ("EVGATE_ZZZZZZZZZZZZZZZZZZZ__Y", "x", "is not a setting; remove it from the environment"),
        (
            "EVGATE_UPSTREAM__URL",
            "x",
            "no variable can set this; write [[upstream]] into a file, conf.d/*.toml for example",
        ),
        ("EVGATE_MQTT__DISCOVERY", "maybe", 'must be true or false without quotes, not "maybe"'),
        (
            "EVGATE_SITE__ID",
            "A\ud800",
            'must be one line of printable text, not "A\\ud800"; remove the special characters',
        ),
        ("EVGATE_MQTT__PASSWORD", "\udcff", "contains control characters, a line break perhaps; remove them"),
    ],
)
def test_mistakes_name_the_variable(variable: str, value: str, expected: str, tmp_path: Path) -> None:
    assert problems(tmp_path, "[mqtt]\nusername = 'u'\n", {variable: value}) == [f"environment: {variable}: {expected}"]


def test_a_secret_set_in_two_ways(tmp_path: Path) -> None:
    environ = {"EVGATE_MQTT__USERNAME": "u", "EVGATE_MQTT__PASSWORD": "x", "EVGATE_MQTT__PASSWORD__FILE": "/y"}
    assert problems(tmp_path, "", environ) == [
        "environment: EVGATE_MQTT__PASSWORD__FILE: is set in two ways; keep one of the variables"
    ]


def test_the_same_variable_in_two_spellings(tmp_path: Path) -> None:
    environ = {"EVGATE_LOG__LEVEL": "debug", "EVGATE_log__LEVEL": "info"}
    assert problems(tmp_path, "", environ) == [
        "environment: EVGATE_log__LEVEL: is set in two ways; keep one of the variables"
    ]
