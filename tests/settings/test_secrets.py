"""Secrets: three ways to give them, read in a step of their own, never shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from gateway.settings import (
    ChargersTls,
    ConfigurationError,
    KeyFile,
    Secret,
    Settings,
    plan,
    resolve,
    resolve_what_can_be,
    warnings,
)
from gateway.settings.resolve import CERTIFICATES, part_at
from gateway.settings.schema import mentions, section_at
from tests.settings.pems import CERTIFICATE, ENCRYPTED_KEY, KEY, OTHER_KEY
from tests.settings.site import problems_of, settings_from, without_privileges

MQTT = "[mqtt]\nusername = 'u'\n"
TLS = "[[upstream]]\nname = 'x'\nurl = 'wss://h/'\n"


def failures(settings: Settings, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        resolve(settings, environ or {})
    return str(caught.value).split("\n")


def mqtt_password(settings: Settings) -> str:
    assert settings.mqtt.password is not None
    return settings.mqtt.password.reveal()


def test_a_value() -> None:
    settings = settings_from(f"{MQTT}password = 'hunter2'")
    assert mqtt_password(resolve(settings, {})) == "hunter2"
    assert resolve(settings, {}) is settings


def test_a_credential(tmp_path: Path) -> None:
    (tmp_path / "mqtt").write_text("hunter2\n")
    settings = settings_from(f"{MQTT}password = {{ credential = 'mqtt' }}")
    resolved = resolve(settings, {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert mqtt_password(resolved) == "hunter2"
    assert resolved.mqtt_given
    assert resolved.origins is settings.origins
    with pytest.raises(LookupError):
        mqtt_password(settings)


def test_files_at_every_depth(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("first\r\n")
    (tmp_path / "two").write_text(" second \n\n"[:-1])
    settings = resolve(
        settings_from(
            f"{TLS}password = {{ file = '{tmp_path}/one' }}\n"
            f"[[charger]]\nidentity = 'A'\n[[charger]]\nidentity = 'B'\npassword = {{ file = '{tmp_path}/two' }}"
        ),
        {},
    )
    assert settings.upstream[0].password == Secret("first", file=tmp_path / "one")
    assert settings.charger[0].password is None
    assert settings.charger[1].password == Secret(" second ", file=tmp_path / "two")
    assert "replay_rate" not in settings.upstream[0].model_fields_set


def test_a_key_as_credential(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    (tmp_path / "c").write_text(CERTIFICATE)
    settings = settings_from(f"[chargers.tls]\ncertificate = '{tmp_path}/c'\nkey = {{ credential = 'key' }}")
    assert settings.chargers.tls is not None
    with pytest.raises(LookupError):
        _ = settings.chargers.tls.key.path
    tls = resolve(settings, {"CREDENTIALS_DIRECTORY": str(tmp_path)}).chargers.tls
    assert tls is not None
    assert tls.key == KeyFile(tmp_path / "key", "key")
    assert tls.key.path == tmp_path / "key"


def test_a_credential_outside_the_service_is_a_doubt_only() -> None:
    resolution = resolve_what_can_be(settings_from(f"{MQTT}password = {{ credential = 'mqtt' }}"), {})
    assert resolution.problems == []
    assert [str(doubt) for doubt in resolution.doubts] == [
        (
            'a.toml:3: mqtt.password: credential "mqtt" is not here: systemd hands it to the service only, and only if '
            "told to; add LoadCredential=mqtt:/path/of/the/file with `systemctl edit evgate` and restart evgate"
        )
    ]


def test_a_credential_that_systemd_did_not_pass(tmp_path: Path) -> None:
    settings = settings_from(f"{MQTT}password = {{ credential = 'mqtt' }}")
    assert 'credential "mqtt" is not here' in failures(settings, {"CREDENTIALS_DIRECTORY": str(tmp_path)})[0]
    assert resolve_what_can_be(settings, {"CREDENTIALS_DIRECTORY": str(tmp_path)}).doubts == []


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty; write a value"),
        (b"\n", "is empty; write a value"),
        (b"a\nb\n", "contains control characters, a line break perhaps"),
        (b"\xff", "is not UTF-8 text; store the secret as plain text"),
        (b"x" * 5000, "is longer than 4096 characters, which no password is; write the right one"),
        (b"x" * 100_000, "is longer than 4096 characters, which no password is; write the right one"),
    ],
)
def test_files_that_hold_no_secret(content: bytes, expected: str, tmp_path: Path) -> None:
    (tmp_path / "s").write_bytes(content)
    found = failures(settings_from(f"{MQTT}password = {{ file = '{tmp_path}/s' }}"))
    assert len(found) == 1
    assert found[0].startswith("a.toml:3: mqtt.password: ")
    assert f"{tmp_path}/s" in found[0]
    assert expected in found[0]


def test_every_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    settings = settings_from(
        f"{MQTT}password = {{ file = '{tmp_path}/none' }}\n"
        f"{TLS}ca = '{tmp_path}'\ncertificate = '/dev/null/x'\nkey = '{tmp_path}/no-key'"
    )
    assert failures(settings) == [
        f"a.toml:7: upstream[x].ca: {tmp_path} is a folder; name a file in it",
        "a.toml:8: upstream[x].certificate: /dev/null/x cannot be read: Not a directory; check the disk it is on",
        f"a.toml:9: upstream[x].key: there is no file {tmp_path}/no-key; create it or correct the path",
        f"a.toml:3: mqtt.password: there is no file {tmp_path}/none; create it or correct the path",
    ]


def test_a_file_of_another_user_is_a_doubt_only(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("hunter2")
    (tmp_path / "s").chmod(0)
    settings = settings_from(f"{MQTT}password = {{ file = '{tmp_path}/s' }}")
    with without_privileges():
        resolution = resolve_what_can_be(settings, {})
    assert resolution.problems == []
    assert "this user may not read" in str(resolution.doubts[0])
    assert f"chgrp evgate {tmp_path}/s && chmod 640 {tmp_path}/s" in str(resolution.doubts[0])


@pytest.mark.parametrize(
    ("certificate", "key", "expected"),
    [
        (CERTIFICATE, KEY, None),
        (CERTIFICATE, OTHER_KEY, "key: {}/k does not belong to {}/c; name the key it was issued for"),
        (CERTIFICATE, ENCRYPTED_KEY, "key: {}/k has a passphrase; remove it with openssl pkey -in ... -out ..."),
        ("x", KEY, "certificate and key: {}/c, {}/k are no pair in PEM form; convert them"),
    ],
)
def test_certificates_and_keys(certificate: str, key: str, expected: str | None, tmp_path: Path) -> None:
    (tmp_path / "c").write_text(certificate)
    (tmp_path / "k").write_text(key)
    settings = settings_from(f"{TLS}certificate = '{tmp_path}/c'\nkey = '{tmp_path}/k'")
    found = [str(problem) for problem in resolve_what_can_be(settings, {}).problems]
    assert found == ([f"a.toml:1: upstream[x]: {expected.format(tmp_path, tmp_path)}"] if expected else [])


def test_certificate_authorities(tmp_path: Path) -> None:
    (tmp_path / "good").write_text(CERTIFICATE)
    (tmp_path / "bad").write_text("x")
    assert resolve(settings_from(f"{TLS}ca = '{tmp_path}/good'"), {}).upstream[0].ca == tmp_path / "good"
    assert failures(settings_from(f"{TLS}ca = '{tmp_path}/bad'")) == [
        f"a.toml:1: upstream[x]: ca: {tmp_path}/bad holds no certificate in PEM form; convert it or name another"
    ]


def test_parts_that_lack_something_are_named_and_the_others_have_their_secrets(tmp_path: Path) -> None:
    (tmp_path / "good").write_text("hunter2\n")
    (tmp_path / "bad").write_text("x")
    settings = settings_from(
        f"[[charger]]\nidentity = 'CP01'\npassword = {{ file = '{tmp_path}/none' }}\n"
        f"[[charger]]\nidentity = 'CP02'\npassword = {{ file = '{tmp_path}/good' }}\n"
        "[[upstream]]\nname = 'first'\nurl = 'wss://h/'\npassword = { credential = 'first' }\n"
        f"[[upstream]]\nname = 'second'\nurl = 'wss://h/'\nca = '{tmp_path}/bad'\n"
        f"[chargers.tls]\ncertificate = '{tmp_path}/none'\nkey = '{tmp_path}/good'\n"
        f"[mqtt]\nurl = 'mqtts://h'\nca = '{tmp_path}/none'\n"
    )
    resolution = resolve_what_can_be(settings, {})
    assert [(lost.kind, lost.label) for lost in resolution.lost] == [
        ("chargers.tls", ""),
        ("charger", "CP01"),
        ("upstream", "first"),
        ("mqtt", ""),
        ("upstream", "second"),
    ]
    no_file = f"there is no file {tmp_path}/none; create it or correct the path, then run: systemctl"
    assert resolution.lacks("charger", "CP01") == (
        f"charger CP01 is refused: a.toml:3: charger[CP01].password: {no_file} reload evgate"
    )
    assert resolution.lacks("upstream", "second") == (
        f"upstream second is not dialled: a.toml:11: upstream[second]: ca: {tmp_path}/bad holds no certificate in PEM "
        "form; convert it or name another, then run: systemctl reload evgate"
    )
    assert resolution.lacks("chargers.tls") == (
        f"chargers cannot connect with wss://: a.toml:16: chargers.tls.certificate: {no_file} restart evgate"
    )
    assert resolution.lacks("mqtt") == (f"nothing is published on MQTT: a.toml:20: mqtt.ca: {no_file} restart evgate")
    # A credential is handed over at the start only, and its own text says so.
    credential = resolution.lacks("upstream", "first")
    assert credential is not None
    assert credential.startswith("upstream first is not dialled: a.toml:10: upstream[first].password: credential ")
    assert credential.endswith("with `systemctl edit evgate` and restart evgate")
    assert resolution.lacks("charger", "CP02") is None
    lost, had = (charger.password for charger in resolution.settings.charger)
    assert had == Secret("hunter2", file=tmp_path / "good")
    assert lost is not None
    with pytest.raises(LookupError):
        lost.reveal()


def test_every_secret_and_certificate_belongs_to_a_part() -> None:
    places = [(name, key) for name in Settings.model_fields for key in keys_of_secrets(section_at((name,)))]
    assert ("mqtt", "password") in places
    for section, key in places:
        assert part_at((section, key)) == section
    for key in keys_of_secrets(ChargersTls):
        assert part_at(("chargers", "tls", key)) == "chargers.tls"
    with pytest.raises(LookupError):
        part_at(("status_page", "password"))


def keys_of_secrets(section: type[BaseModel] | None) -> list[str]:
    assert section is not None
    return [
        key
        for key, field in section.model_fields.items()
        if key in CERTIFICATES or mentions(field.annotation, Secret) or mentions(field.annotation, KeyFile)
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("5", 'must be text in quotes, { credential = "name" } or { file = "/path" }'),
        ("{}", "must be text in quotes, "),
        ("{ file = '/x', credential = 'y' }", ": one of them"),
        ("{ fil = '/x' }", "has the unknown key fil; did you mean file?"),
        ("{ zzz = '/x' }", "has the unknown key zzz; known are credential and file"),
        ("{ file = 'x' }", 'must be a whole path that begins with /, not "x"'),
        ("{ credential = '../x' }", "must be the name of a systemd credential"),
        ("{ credential = '..' }", "must be the name of a systemd credential"),
        ("''", "is empty"),
        ('"a\\nb"', "contains control characters"),
    ],
)
def test_what_is_no_secret(value: str, expected: str) -> None:
    found = problems_of(f"{MQTT}password = {value}")
    assert len(found) == 1
    assert found[0].startswith("a.toml:3: mqtt.password: ")
    assert expected in found[0]


def test_a_key_itself_instead_of_its_file() -> None:
    found = problems_of(f"[chargers.tls]\ncertificate = '/c'\nkey = '''{KEY}'''")
    assert found == [
        'a.toml:3: chargers.tls.key: must name the file that holds the key, such as "/etc/evgate/tls.key", not the key'
    ]


def test_what_is_no_key_file() -> None:
    assert problems_of("[chargers.tls]\ncertificate = '/c'\nkey = 5") == [
        'a.toml:3: chargers.tls.key: must be a path in quotes or { credential = "name" }'
    ]


@given(st.from_regex(r"S3CR3T[ -!#-\[\]-~]{0,20}", fullmatch=True))
def test_a_secret_never_shows(secret: str) -> None:
    text = (
        f'[mqtt]\nusername = "u"\npassword = "{secret}"\n'
        f'[[charger]]\nidentity = "CP01"\npassword = "{secret}"\n'
        f'[[upstream]]\nname = "x"\nurl = "ws://192.0.2.1/"\npassword = "{secret}"\n'
    )
    settings = settings_from(text)
    assert mqtt_password(settings) == secret
    for shown in (repr(settings), str(settings), str(settings.mqtt.password), repr(settings.model_dump())):
        assert "S3CR3T" not in shown
    assert "S3CR3T" not in settings.model_dump_json()
    assert "S3CR3T" not in "".join([*plan(settings), *warnings(settings)])
    for broken in (f"{text}mode = 5\n", text.replace("ws://", f"ws://u:{secret}@"), f'{text}username = "{secret}:"\n'):
        assert "S3CR3T" not in "".join(problems_of(broken))
