"""`config/gateway.toml`: complete, right as it is, and right with everything switched on."""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from gateway.settings import Settings, load
from gateway.settings.schema import section_of

SHIPPED = Path(__file__).resolve().parents[2] / "config" / "gateway.toml"
SETTING = re.compile(r"^#(?=[a-z\[])", re.MULTILINE)


def everything() -> str:
    return SETTING.sub("", SHIPPED.read_text())


def keys_of(section: type[BaseModel], above: str = "") -> Iterator[str]:
    for name, field in section.model_fields.items():
        inner = section_of(field.annotation)
        if inner is None:
            yield above + name
        else:
            yield from keys_of(inner, f"{above}{name}.")


def keys_in(value: object, above: str = "") -> Iterator[str]:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        value = value[0]
    if isinstance(value, dict) and above not in ("charger.meters.",) and not {"credential", "file"} & set(value):
        for name, item in value.items():
            yield from keys_in(item, f"{above}{name}.")
    else:
        yield above.removesuffix(".")


def test_it_is_right_as_shipped() -> None:
    settings = load(SHIPPED, {})
    assert settings.upstream == ()
    assert not settings.mqtt_given


def test_it_is_right_with_everything_switched_on(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(everything())
    settings = load(path, {})
    assert settings.upstream_of("cp01") is settings.upstream[0]
    assert settings.charger[0].meters == {"1": "grid"}
    assert settings.mqtt_given


def test_every_key_of_the_contract_is_in_it() -> None:
    assert sorted(keys_in(tomllib.loads(everything()))) == sorted(keys_of(Settings))


def test_every_key_is_explained_right_above_it() -> None:
    lines = SHIPPED.read_text().splitlines()
    for before, line in itertools.pairwise(lines):
        if SETTING.match(line) and not line.startswith("#["):
            assert before.startswith("#"), line


def test_values_shown_are_the_defaults_unless_they_are_examples(tmp_path: Path) -> None:
    example = False
    defaults = []
    for line in SHIPPED.read_text().splitlines():
        if line.startswith("# "):
            example = "(example)" in line
        elif line.startswith("#[") or (SETTING.match(line) and not example):
            defaults.append(line)
    text = SETTING.sub("", "\n".join(defaults))
    needed = {
        "[[charger]]": 'identity = "CP01"',
        "[[upstream]]": 'name = "operator"\nurl = "wss://csms.example.com/ocpp"',
        "[[bus]]": 'id = "cabinet"\nurl = "tcp://192.0.2.20"',
        "[[meter]]": 'id = "grid"\nbus = "cabinet"\nprofile = "p"',
        "[chargers.tls]": 'certificate = "/c"\nkey = "/k"',
    }
    for header, keys in needed.items():
        text = text.replace(header, f"{header}\n{keys}")
    bare = "\n".join(f"{header}\n{keys}" for header, keys in needed.items())
    shown, default = tmp_path / "shown.toml", tmp_path / "default.toml"
    shown.write_text(text)
    default.write_text(bare)
    assert load(shown, {}).model_dump() == load(default, {}).model_dump()


@pytest.mark.parametrize("section", ["charger", "upstream", "bus", "meter"])
def test_lists_of_tables_are_shown_as_such(section: str) -> None:
    assert f"#[[{section}]]" in SHIPPED.read_text().splitlines()


def test_the_minimum_site_in_its_head_works(tmp_path: Path) -> None:
    head = SHIPPED.read_text().partition("# Below stands every key")[0]
    minimum = "\n".join(line[6:] for line in head.splitlines() if line.startswith("#     "))
    path = tmp_path / "gateway.toml"
    path.write_text(minimum)
    settings = load(path, {})
    upstream = settings.upstream_of("CP01")
    assert upstream is not None
    assert upstream.url_for("CP01") == "wss://csms.example.com/ocpp/CP01"
    assert settings.chargers.unknown == "accept"
