"""`gateway.settings.load`: which files count, how they are put together, and what can be wrong with a file."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.settings import (
    Address,
    Chargers,
    ChargersTls,
    ConfigurationError,
    KeyFile,
    Mqtt,
    Secret,
    Settings,
    load,
)
from tests.settings.site import problems_of, settings_from, without_privileges, write_site

DESIGN = """
[site]
id = "depot3"

[chargers]
listen = "0.0.0.0:9000"
unknown = "quarantine"

[[upstream]]
name = "operator"
url = "wss://csms.example.com/ocpp"

[mqtt]
url = "mqtt://127.0.0.1:1883"

[[bus]]
id = "cabinet"
url = "tcp://192.0.2.20:502"

[[meter]]
id = "grid"
bus = "cabinet"
unit = 1
profile = "eastron-sdm630-v2"
"""


def problem_of(path: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(path, {})
    assert len(caught.value.problems) == 1
    return str(caught.value)


def test_the_minimum_of_the_design(tmp_path: Path) -> None:
    settings = load(write_site(tmp_path, DESIGN), {})
    assert settings.site.id == "depot3"
    assert settings.chargers.listen == (Address("0.0.0.0", 9000),)
    assert settings.chargers.unknown == "quarantine"
    assert settings.upstream[0].url_for("RDAM 123") == "wss://csms.example.com/ocpp/RDAM%20123"
    assert settings.upstream[0].host == "csms.example.com:443"
    assert (settings.mqtt.host, settings.mqtt.port, settings.mqtt.tls) == ("127.0.0.1", 1883, False)
    assert settings.mqtt_given
    assert settings.meter[0].bus == settings.bus[0].id == "cabinet"
    assert not settings.bus[0].serial


def test_an_empty_file_is_a_site() -> None:
    settings = settings_from("")
    assert settings.site.id
    assert settings.chargers.listen == (Address("0.0.0.0", 9000),)
    assert settings.chargers.idle_limit == timedelta(minutes=3)
    assert settings.chargers.max_frame == 2 * 1024 * 1024
    assert settings.chargers.tls is None
    assert settings.store.path == Path("/var/lib/evgate/evgate.db")
    assert settings.store.quota == 200_000_000
    assert (settings.mqtt.url, settings.mqtt.root) == ("mqtt://127.0.0.1:1883", "evgate")
    assert settings.mqtt.discovery_prefix == "homeassistant"
    assert not settings.mqtt_given
    assert settings.status_page.listen == (Address("127.0.0.1", 8480),)
    assert settings.log.level == "info"
    assert settings.default_upstream is None
    assert settings.upstream_of("CP01") is None


def test_an_empty_mqtt_section_asks_for_a_broker() -> None:
    assert settings_from("[mqtt]").mqtt_given


def test_drop_ins_merge_in_the_order_of_their_names(tmp_path: Path) -> None:
    path = write_site(
        tmp_path,
        '[mqtt]\nroot = "one"\nusername = "u"\n[[upstream]]\nname = "a"\nurl = "ws://a/"\n',
        {
            "20-b.toml": '[mqtt]\nroot = "three"\n[[upstream]]\nname = "c"\nurl = "ws://c/"\n',
            "10-a.toml": '[mqtt]\nroot = "two"\nid_tags = "hash"\n[[upstream]]\nname = "b"\nurl = "ws://b/"\n',
            "30-c.conf": "not read, the name does not end in .toml",
            ".40.toml": "not read, hidden",
        },
    )
    settings = load(path, {})
    assert (settings.mqtt.root, settings.mqtt.username, settings.mqtt.id_tags) == ("three", "u", "hash")
    assert [upstream.name for upstream in settings.upstream] == ["a", "b", "c"]
    assert settings.origins.files == tuple(
        str(tmp_path / name) for name in ("gateway.toml", "conf.d/10-a.toml", "conf.d/20-b.toml")
    )


def test_nested_tables_merge_and_other_lists_are_replaced() -> None:
    settings = settings_from(
        '[chargers]\nlisten = ["127.0.0.1:1", "127.0.0.1:2"]\n[chargers.tls]\ncertificate = "/c"\nkey = "/k"\n',
        '[chargers]\nlisten = "127.0.0.1:3"\ntls = { key = "/other" }\n',
    )
    assert settings.chargers.listen == (Address("127.0.0.1", 3),)
    assert settings.chargers.tls is not None
    assert (settings.chargers.tls.certificate, settings.chargers.tls.key.path) == (Path("/c"), Path("/other"))


def test_a_secret_is_replaced_as_a_whole() -> None:
    settings = settings_from(
        '[mqtt]\nusername = "u"\npassword = { credential = "one" }\n', '[mqtt]\npassword = { file = "/two" }\n'
    )
    assert settings.mqtt.password is not None
    assert (settings.mqtt.password.credential, settings.mqtt.password.file) == (None, Path("/two"))


def test_a_charger_is_found_without_case_and_goes_to_the_upstream_it_names() -> None:
    settings = settings_from(
        """
        [[upstream]]
        name = "watch"
        url = "ws://w/"
        mode = "read_only"
        [[upstream]]
        name = "first"
        url = "ws://f/"
        [[upstream]]
        name = "second"
        url = "ws://s/cp/{identity}/in"
        [[charger]]
        identity = "CP01"
        upstream = "second"
        [[charger]]
        identity = "CP02"
        """
    )
    second = settings.upstream_of("cp01")
    assert second is not None
    assert second.url_for("cp01") == "ws://s/cp/cp01/in"
    assert settings.charger_of("cp02") is settings.charger[1]
    assert settings.charger_of("CP03") is None
    for identity in ("CP02", "CP03"):
        upstream = settings.upstream_of(identity)
        assert upstream is not None
        assert upstream.name == "first"


def test_making_settings_by_hand_reads_nothing() -> None:
    assert Settings().chargers.unknown == "quarantine"
    assert Settings().origins.files == ()


def test_making_settings_by_hand() -> None:
    chargers = Chargers(
        listen=(Address("127.0.0.1", 0),),
        idle_limit=timedelta(minutes=1),
        tls=ChargersTls(certificate=Path("/c"), key=KeyFile(Path("/k"))),
    )
    settings = Settings(chargers=chargers, mqtt=Mqtt(username="u", password=Secret("x")))
    assert settings.chargers == chargers
    assert settings.mqtt.password == Secret("x")
    with pytest.raises(ValidationError):
        settings.mqtt = Mqtt()  # type: ignore[misc]


def test_no_such_file(tmp_path: Path) -> None:
    assert problem_of(tmp_path / "x.toml") == (
        f"{tmp_path}/x.toml: there is no such file; name the right one with --config FILE"
    )


def test_without_a_path_it_is_the_one_in_etc() -> None:
    try:
        files = load(None, {}).origins.files
    except ConfigurationError as error:
        files = tuple(str(problem.file) for problem in error.problems)
    assert files[0] == "/etc/evgate/gateway.toml"


def test_a_folder_instead_of_a_file(tmp_path: Path) -> None:
    assert problem_of(tmp_path) == f"{tmp_path}: is a folder; name the file in it: --config {tmp_path}/gateway.toml"


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = write_site(tmp_path, "")
    path.chmod(0)
    with without_privileges(), pytest.raises(ConfigurationError) as caught:
        load(path, {})
    assert "may not be read by this user; use sudo" in str(caught.value)


def test_a_file_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    assert "cannot be read: Not a directory" in problem_of(tmp_path / "x" / "gateway.toml")


def test_a_path_that_cannot_be(tmp_path: Path) -> None:
    assert "cannot be read" in problem_of(tmp_path / "x\0y")
    assert "\\udcff.toml: there is no such file" in problem_of(tmp_path / "\udcff.toml")


def test_a_huge_file(tmp_path: Path) -> None:
    path = write_site(tmp_path, "#" * (2**20 + 1))
    assert "is larger than 1 MiB" in problem_of(path)


def test_conf_d_that_is_a_file(tmp_path: Path) -> None:
    path = write_site(tmp_path, "")
    (tmp_path / "conf.d").write_text("")
    assert problem_of(path) == f"{tmp_path}/conf.d: is a file; it must be a folder of *.toml files"


def test_conf_d_that_may_not_be_listed(tmp_path: Path) -> None:
    path = write_site(tmp_path, "", {"a.toml": ""})
    (tmp_path / "conf.d").chmod(0)
    with without_privileges(), pytest.raises(ConfigurationError) as caught:
        load(path, {})
    (tmp_path / "conf.d").chmod(0o755)
    assert "conf.d: cannot be listed: Permission denied" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            b"[site]\nid = depot3\n",
            "a.toml:2: is not valid TOML here: Invalid value; check quotes, brackets and = of this line",
        ),
        (b"[site\n", "a.toml:1: is not valid TOML here: "),
        (b'[site]\n\nid = "x', "a.toml:3: is not valid TOML here: "),
        (b"[site]\nid = 1\nid = 2\n", "a.toml:3: is not valid TOML here: Cannot overwrite a value"),
        (b'[site]\n\nname = "\xff"\n', "a.toml:3: is not UTF-8 text; save the file as UTF-8"),
        (b"x = " + b"[" * 100_000, "a.toml: is nested too deeply"),
        (b"x = " + b"1" * 5_000, "a.toml: holds a number that is too long"),
    ],
)
def test_a_file_that_is_no_toml(content: bytes, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(content)
    assert problem_of(path).startswith(f"{tmp_path}/{expected}")


def test_a_mark_of_windows_editors_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b'\xef\xbb\xbf[site]\r\nid = "depot3"\r\n')
    assert load(path, {}).site.id == "depot3"


def test_all_problems_of_all_files_come_at_once_in_their_order(tmp_path: Path) -> None:
    path = write_site(
        tmp_path,
        '[log]\nlevel = "loud"\n[site]\nid = "A B"\n',
        {"a.toml": "[site\n", "b.toml": "[[charger]]\n\n[mqtt]\nurl = 1\n"},
    )
    with pytest.raises(ConfigurationError) as caught:
        load(path, {"EVGATE_LOG__LEVL": "debug"})
    places = [(problem.file or "").removeprefix(str(tmp_path)) for problem in caught.value.problems]
    lines = [problem.line for problem in caught.value.problems]
    assert sorted(zip(places, lines, strict=True), key=str) == sorted(
        [
            ("/gateway.toml", 2),
            ("/gateway.toml", 4),
            ("/conf.d/a.toml", 1),
            ("/conf.d/b.toml", 1),
            ("/conf.d/b.toml", 4),
            ("", None),
        ],
        key=str,
    )
    assert places[:2] == ["/gateway.toml"] * 2


def test_references_are_not_judged_while_a_file_cannot_be_read() -> None:
    charger = '[[charger]]\nidentity = "CP01"\nupstream = "operator"\n'
    assert problems_of(charger, "[[upstream]\n") == [
        (
            "b.toml:1: is not valid TOML here: Expected ']]' at the end of an array declaration; "
            "check quotes, brackets and = of this line"
        )
    ]
