"""Quirk files: what may stand in them, what is said of what may not, and which of them count."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.core.reports import BootReported
from gateway.core.traits import Trait
from gateway.quirks import Catalogue, Quirk, Use
from gateway.settings import catalogue, check, load, load_quirks
from gateway.settings.quirk_files import read_quirks, replaced, shipped
from tests.settings.site import settings_from, without_privileges, write_site

SITE = """
[[upstream]]
name = "operator"
url = "wss://csms.example.com/ocpp"
[[charger]]
identity = "CP01"
"""
ACME = """
[[quirk]]
name = "acme-null"
about = "Writes null as text."
source = "our depot"
vendor = "Acme*"
corrections = ["null_as_absent"]
"""
NAMED = ACME.replace('vendor = "Acme*"\n', "")
END = "(nothing of this file is used until then)"


def site(folder: Path, text: str = SITE, **files: str) -> Path:
    """A configuration with quirk files beside it."""
    (folder / "quirks.d").mkdir()
    for name, content in files.items():
        (folder / "quirks.d" / f"{name}.toml").write_text(content)
    return write_site(folder, text)


def loaded(path: Path) -> tuple[Catalogue, list[str]]:
    found, problems = load_quirks(load(path, {}))
    return found, [str(problem) for problem in problems]


def wrong_with(text: str) -> list[str]:
    """What is wrong with a site's file, without the end that is always the same."""
    quirks, problems = read_quirks("q.toml", text.encode(), of_site=True)
    assert not quirks or not problems
    return [str(problem).removesuffix(f" {END}") for problem in problems]


def quirk_from(text: str) -> Quirk:
    [(_, quirk)], problems = read_quirks("q.toml", text.encode(), of_site=True)
    assert problems == []
    return quirk


def test_everything_that_a_quirk_may_say() -> None:
    quirk = quirk_from(
        """
        [[quirk]]
        name = "acme-7"
        about = "Does much."
        source = "our depot"
        vendor = ["Acme*", "A.C.M.E."]
        model = "Wall?"
        firmware = ">=1.0 <1.8.21"
        corrections = ["never_trigger", { name = "local_time", offset_minutes = -60 }, { name = "strip_nul" }]
        """
    )
    assert (quirk.name, quirk.about, quirk.source, quirk.file) == ("acme-7", "Does much.", "our depot", "q.toml")
    assert quirk.corrections == (Use("never_trigger"), Use("local_time", {"offset_minutes": -60}), Use("strip_nul"))
    assert quirk.fits(BootReported("a.c.m.e.", "wall7", firmware="1.8.20"))
    assert not quirk.fits(BootReported("a.c.m.e.", "wall7", firmware="1.8.21"))
    assert not quirk.every_charger


def test_a_quirk_of_every_charger_and_one_of_nobody() -> None:
    assert quirk_from(NAMED + "every_charger = true").every_charger
    nobody = quirk_from(NAMED + "every_charger = false")
    assert not nobody.every_charger
    assert not nobody.fits(BootReported("Acme", "7"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[[quirks]]", "q.toml:1: quirks: is nothing that a file of quirks has; did you mean [[quirk]]?"),
        ("x = 1", "q.toml:1: x: is nothing that a file of quirks has; it has [[quirk]] tables only"),
        ("[quirk]", "q.toml:1: quirk: must be written with two brackets, [[quirk]], one for each"),
        ("quirk = [7]", "q.toml:1: quirk[#1]: must be a table; write [[quirk]] and its keys below it"),
        (ACME + "vendors = 1", "q.toml:8: quirk[acme-null].vendors: is not a known key; did you mean vendor?"),
        (
            ACME + "'no such' = 1",
            (
                'q.toml:8: quirk[acme-null]."no such": is not a known key; a quirk has name, about, source, vendor, '
                "model, firmware, every_charger and corrections"
            ),
        ),
        (
            ACME.replace('source = "our depot"\n', ""),
            'q.toml:2: quirk[acme-null].source: is missing; say where it was seen, such as "our depot, charger 7"',
        ),
        (
            ACME.replace('name = "acme-null"\n', ""),
            'q.toml:2: quirk[#1].name: is missing; give the quirk a name, such as "acme-empty-text"',
        ),
        (
            ACME.replace("acme-null", "Acme null"),
            (
                'q.toml:3: quirk["Acme null"].name: must be words of a-z and 0-9 with - between them, '
                'such as "acme-empty-text", not "Acme null"'
            ),
        ),
        (ACME.replace('"acme-null"', "7"), "q.toml:3: quirk[#1].name: must be text, not 7; put it in quotes"),
        (
            ACME.replace('"our depot"', '""'),
            "q.toml:5: quirk[acme-null].source: is empty; write a value, or remove the line",
        ),
        (
            ACME.replace('"Acme*"', "['Acme', 3]"),
            "q.toml:6: quirk[acme-null].vendor: must be text, not 3; put it in quotes",
        ),
        (
            ACME.replace('"Acme*"', "[]"),
            "q.toml:6: quirk[acme-null].vendor: is an empty list, which nothing is like; remove it",
        ),
        (
            ACME + "firmware = '1.8'",
            'q.toml:8: quirk[acme-null].firmware: must be bounds such as ">=1.0 <1.8.21", not "1.8"',
        ),
        (
            ACME + "firmware = 1.8",
            'q.toml:8: quirk[acme-null].firmware: must be bounds such as ">=1.0 <1.8.21", not 1.8',
        ),
        (
            NAMED + "firmware = '>1.8'",
            "q.toml:7: quirk[acme-null].firmware: says nothing without a vendor or model; add whose firmware it is",
        ),
        (
            ACME + "every_charger = true",
            "q.toml:8: quirk[acme-null].every_charger: is true, so vendor would say nothing; remove one or the other",
        ),
        (
            ACME + "every_charger = 'yes'",
            'q.toml:8: quirk[acme-null].every_charger: must be true or false without quotes, not "yes"',
        ),
        (
            ACME.replace('["null_as_absent"]', '"null_as_absent"'),
            (
                "q.toml:7: quirk[acme-null].corrections: must be a list in brackets, "
                'such as ["empty_as_absent"], not "null_as_absent"'
            ),
        ),
        (
            ACME.replace('"null_as_absent"', "7"),
            "q.toml:7: quirk[acme-null].corrections: must hold names of corrections in quotes, not 7",
        ),
        (
            ACME.replace('"null_as_absent"', "{ offset_minutes = 7 }"),
            "q.toml:7: quirk[acme-null].corrections: must hold names of corrections in quotes, not a table",
        ),
        (
            ACME.replace("null_as_absent", "null_is_absent"),
            (
                'q.toml:7: quirk[acme-null].corrections: there is no correction "null_is_absent"; '
                'did you mean "null_as_absent"?'
            ),
        ),
        (
            ACME.replace('"null_as_absent"', "{ name = 'strip_nul', deep = true }"),
            "q.toml:7: quirk[acme-null].corrections: strip_nul has no parameter deep; it takes no parameter, remove it",
        ),
        (
            ACME.replace('"null_as_absent"', "{ name = 'local_time', offset_minutes = 60, zone = 'CET' }"),
            "q.toml:7: quirk[acme-null].corrections: local_time has no parameter zone; it takes offset_minutes",
        ),
        ("[[quirk]\n", "q.toml:1: is not valid TOML here: Expected ']]' at the end of an array declaration; "),
    ],
)
def test_what_is_wrong_with_a_file(text: str, problem: str) -> None:
    [found] = wrong_with(text)
    assert found.startswith(problem)


@pytest.mark.parametrize("value", ["", ", offset_minutes = 841", ", offset_minutes = true", ", offset_minutes = '60'"])
def test_a_parameter_that_is_missing_or_out_of_bounds(value: str) -> None:
    [found] = wrong_with(ACME.replace('"null_as_absent"', f"{{ name = 'local_time'{value} }}"))
    assert found == (
        "q.toml:7: quirk[acme-null].corrections: local_time needs offset_minutes, a whole number between -840 and 840: "
        '{ name = "local_time", offset_minutes = 60 }'
    )


def test_a_name_of_no_correction_that_is_like_none() -> None:
    [found] = wrong_with(ACME.replace("null_as_absent", "xyz"))
    assert 'there is no correction "xyz"; there are available_while_plugged, drop_values_without_text, ' in found


def test_everything_that_is_wrong_is_said_at_once() -> None:
    assert len(wrong_with("[[quirk]]\nabout = ''\n[[quirk]]\nname = 'x'\n")) == 4 + 3


def test_a_site_without_files_has_what_comes_with_evgate(tmp_path: Path) -> None:
    found, problems = loaded(write_site(tmp_path, SITE))
    assert problems == []
    assert found.quirks == shipped()[0]
    assert replaced(found) == []
    assert load_quirks(settings_from())[1] == []


def test_files_of_the_site_add_to_it(tmp_path: Path) -> None:
    path = site(tmp_path, SITE + "quirks = ['acme-null', 'local-time-utc-plus-1']\n", b=ACME, a="")
    (tmp_path / "quirks.d" / ".hidden.toml").write_text("x")
    (tmp_path / "quirks.d" / "notes.txt").write_text("x")
    found, problems = loaded(path)
    assert problems == []
    assert len(found.quirks) == len(shipped()[0]) + 1
    assert found.of(BootReported("Acme", "7"), ()).quirks == ("acme-null",)
    assert catalogue(load(path, {})).quirks == found.quirks


def test_a_quirk_of_the_site_replaces_one_of_the_same_name(tmp_path: Path) -> None:
    own = ACME.replace("acme-null", "alfen-reboots-when-asked").replace("Acme", "Alfen")
    off = ACME.replace("acme-null", "legrand-foreign-error-code").replace('["null_as_absent"]', "[]")
    path = site(tmp_path, a=own, b=off)
    found, problems = loaded(path)
    assert problems == []
    assert len(found.quirks) == len(shipped()[0])
    assert not found.of(BootReported("Alfen BV", "NG910"), ()).has(Trait.NEVER_TRIGGER)
    assert replaced(found) == [
        (
            f"Quirk alfen-reboots-when-asked is that of {tmp_path}/quirks.d/a.toml, "
            "in place of the one that comes with evgate."
        ),
        (
            f"Quirk legrand-foreign-error-code is that of {tmp_path}/quirks.d/b.toml, "
            "in place of the one that comes with evgate: it is switched off."
        ),
    ]


def test_a_file_that_is_wrong_is_left_out_whole(tmp_path: Path) -> None:
    path = site(
        tmp_path,
        SITE + "quirks = ['acme-two']\n",
        a=ACME + ACME.replace("acme-null", "acme-two").replace("null_as", "nil_as"),
        b=ACME.replace("acme-null", "acme-three"),
    )
    found, problems = loaded(path)
    assert problems == [
        (
            f'{tmp_path}/quirks.d/a.toml:14: quirk[acme-two].corrections: there is no correction "nil_as_absent"; '
            f'did you mean "null_as_absent"? {END}'
        )
    ]
    assert [name for name in ("acme-null", "acme-two", "acme-three") if name in found] == ["acme-three"]


def test_one_name_twice(tmp_path: Path) -> None:
    path = site(tmp_path, a=ACME, b=ACME)
    found, problems = loaded(path)
    assert problems == [
        (
            f'{tmp_path}/quirks.d/b.toml:3: quirk[acme-null].name: "acme-null" is already used in '
            f"{tmp_path}/quirks.d/a.toml:3; remove or rename one of the two {END}"
        )
    ]
    assert [quirk.file for quirk in found.quirks if quirk.file] == [f"{tmp_path}/quirks.d/a.toml"]


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = site(tmp_path, a=ACME, b="")
    (tmp_path / "quirks.d" / "b.toml").write_bytes(b"\xff")
    found, problems = loaded(path)
    assert problems == [f"{tmp_path}/quirks.d/b.toml:1: is not UTF-8 text; save the file as UTF-8"]
    assert "acme-null" in found


def test_a_file_that_is_a_folder(tmp_path: Path) -> None:
    path = site(tmp_path)
    (tmp_path / "quirks.d" / "a.toml").mkdir()
    found, problems = loaded(path)
    assert problems == [f"{tmp_path}/quirks.d/a.toml: is a folder; move it out of the folder"]
    assert found.quirks == shipped()[0]


def test_a_folder_that_may_not_be_listed(tmp_path: Path) -> None:
    path = site(tmp_path, a=ACME)
    settings = load(path, {})
    (tmp_path / "quirks.d").chmod(0)
    with without_privileges():
        found, problems = load_quirks(settings)
    (tmp_path / "quirks.d").chmod(0o755)
    assert [str(problem) for problem in problems] == [
        f"{tmp_path}/quirks.d: cannot be listed: Permission denied; let the user evgate read it"
    ]
    assert found.quirks == shipped()[0]


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    path = write_site(tmp_path, SITE)
    (tmp_path / "quirks.d").write_text("")
    assert loaded(path)[1] == [f"{tmp_path}/quirks.d: is a file; it must be a folder of *.toml files"]


def test_a_charger_with_a_quirk_that_nobody_knows(tmp_path: Path) -> None:
    path = site(tmp_path, SITE + "quirks = ['acme-nul', 'xyz', 'acme-null']\n", a=ACME)
    _, problems = loaded(path)
    assert problems == [
        f'{path}:7: charger[CP01].quirks: no quirk is called "acme-nul"; did you mean "acme-null"?',
        f'{path}:7: charger[CP01].quirks: no quirk is called "xyz"; define it in a file of quirks.d, or remove it',
    ]


def test_the_check_says_it_all(tmp_path: Path) -> None:
    path = site(tmp_path, SITE + "quirks = ['acme-nul']\n", a=ACME)
    lines: list[str] = []
    assert check(path, {}, lines.append, False) == 1
    assert lines == [
        f'{path}:7: charger[CP01].quirks: no quirk is called "acme-nul"; did you mean "acme-null"?',
        "1 problem; until it is corrected, evgate keeps to the configuration that it has.",
    ]


def test_the_check_says_what_is_replaced(tmp_path: Path) -> None:
    path = site(tmp_path, a=ACME.replace("acme-null", "abb-null-as-text"))
    lines: list[str] = []
    assert check(path, {}, lines.append, True) == 0
    assert json.loads(lines[0])["plan"][-1] == (
        f"Quirk abb-null-as-text is that of {tmp_path}/quirks.d/a.toml, in place of the one that comes with evgate."
    )
