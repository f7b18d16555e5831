"""Quirks: those that come with evgate, and the site's own in `quirks.d` beside the configuration.

A site's file never keeps the daemon from serving: one that is wrong is left out, whole, and said to be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib import resources
from pathlib import Path

from pydantic_core import PydanticCustomError

from gateway.quirks import NAMES, Catalogue, FirmwareRange, Pattern, Quirk, Use, parameters_of, read_range
from gateway.settings.documents import Document, parse, read_drop_in, toml_files
from gateway.settings.models import Settings
from gateway.settings.origins import Origin
from gateway.settings.origins import Path as KeyPath
from gateway.settings.problems import Problem, listed, nearest, plain, shown
from gateway.settings.values import read_text

FOLDER = "quirks.d"

LONGEST_NAME = 64
"""Names stand in MQTT payloads and in lines of the log."""

EXAMPLE = 60
"""A value that fits every parameter."""

_KEYS = ("name", "about", "source", "vendor", "model", "firmware", "every_charger", "corrections")
_MISSING = {
    "name": 'give the quirk a name, such as "acme-empty-text"',
    "about": "say in one sentence what the charger does",
    "source": 'say where it was seen, such as "our depot, charger 7"',
    "corrections": "list what is to be corrected; an empty list switches a quirk of this name off",
}
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_OTHERS_LEFT_OUT = "nothing of this file is used until then"


def load_quirks(settings: Settings) -> tuple[Catalogue, list[Problem]]:
    """Every quirk that can be used, and what is wrong with files of the site and with names that chargers are given."""
    known, damaged = shipped()
    quirks, wrong = _of_site(settings)
    catalogue, problems = Catalogue([*known, *quirks]), [*damaged, *wrong]
    # What a name means may stand in a file that could not be read.
    if not problems:
        problems = list(_unknown_names(settings, catalogue))
    return catalogue, problems


def catalogue(settings: Settings) -> Catalogue:
    """Every quirk that can be used."""
    return load_quirks(settings)[0]


def replaced(catalogue: Catalogue) -> list[str]:
    """A sentence for every quirk of the site that stands in the place of one that comes with evgate."""
    known = {quirk.name for quirk in shipped()[0]}
    return [
        f"Quirk {quirk.name} is that of {quirk.file}, in place of the one that comes with evgate"
        f"{'' if quirk.corrections else ': it is switched off'}."
        for quirk in catalogue.quirks
        if quirk.file and quirk.name in known
    ]


@lru_cache(maxsize=1)
def shipped() -> tuple[tuple[Quirk, ...], tuple[Problem, ...]]:
    """The quirks that come with evgate, and what is wrong with them: nothing, unless the package is damaged."""
    found: list[Quirk] = []
    wrong: list[Problem] = []
    for entry in sorted(resources.files("gateway.quirks").iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".toml"):
            quirks, problems = read_quirks(entry.name, entry.read_bytes())
            found += [quirk for _, quirk in quirks]
            wrong += problems
    return tuple(found), tuple(wrong)


def read_quirks(
    file: str, content: bytes, *, of_site: bool = False
) -> tuple[list[tuple[Origin, Quirk]], list[Problem]]:
    """The quirks of one file, each with the place where it stands, and what is wrong; there are none if anything is."""
    document = parse(file, content)
    if isinstance(document, Problem):
        return [], [document]
    reader = _FileReader(document, file if of_site else "")
    quirks = reader.read()
    return ([] if reader.problems else quirks), reader.problems


def _of_site(settings: Settings) -> tuple[list[Quirk], list[Problem]]:
    """The site's own quirks, of the files that are right, and what is wrong with the others."""
    if not settings.origins.files:
        return [], []
    paths, problems = toml_files(Path(settings.origins.files[0]).parent / FOLDER)
    first: dict[str, Origin] = {}
    found: list[Quirk] = []
    for path in paths:
        file = read_drop_in(path)
        if isinstance(file, Problem):
            problems.append(file)
            continue
        quirks, wrong = read_quirks(file.path, file.content, of_site=True)
        twice = [(place, quirk) for place, quirk in quirks if first.setdefault(quirk.name, place) != place]
        problems += wrong
        problems += [_used_twice(place, quirk, first[quirk.name]) for place, quirk in twice]
        if not twice:
            found += [quirk for _, quirk in quirks]
    return found, problems


def _used_twice(place: Origin, quirk: Quirk, earlier: Origin) -> Problem:
    text = f"{shown(quirk.name)} is already used in {earlier}; remove or rename one of the two"
    return Problem(place.file, place.line, f"quirk[{quirk.name}].name", f"{text} ({_OTHERS_LEFT_OUT})")


def _unknown_names(settings: Settings, catalogue: Catalogue) -> Iterator[Problem]:
    known = [quirk.name for quirk in catalogue.quirks]
    for index, charger in enumerate(settings.charger):
        for name in charger.quirks:
            if name not in catalogue:
                meant = nearest(name, known)
                hint = f'did you mean "{meant}"?' if meant else f"define it in a file of {FOLDER}, or remove it"
                text = f"no quirk is called {shown(name)}; {hint}"
                yield settings.origins.problem(("charger", index, "quirks"), text)


class _FileReader:
    """Reads one parsed file; `problems` has all that is wrong with it."""

    def __init__(self, document: Document, file: str) -> None:
        self.document = document
        self.file = file
        self.problems: list[Problem] = []
        self._label = ""
        self._path: KeyPath = ()

    def read(self) -> list[tuple[Origin, Quirk]]:
        """Every [[quirk]] with its place; of use only where nothing is wrong."""
        for key in [key for key in self.document.tree if key != "quirk"]:
            meant = "did you mean [[quirk]]?" if nearest(key, ["quirk"]) else "it has [[quirk]] tables only"
            self._say((key,), plain(key), f"is nothing that a file of quirks has; {meant}")
        tables = self.document.tree.get("quirk", [])
        if not isinstance(tables, list):
            self._say(("quirk",), "quirk", "must be written with two brackets, [[quirk]], one for each")
            return []
        quirks: list[tuple[Origin, Quirk]] = []
        for index, table in enumerate(tables):
            self._path = ("quirk", index)
            if not isinstance(table, dict):
                self._say(self._path, f"quirk[#{index + 1}]", "must be a table; write [[quirk]] and its keys below it")
                continue
            name = table.get("name")
            self._label = f"quirk[{plain(name) if isinstance(name, str) and name else f'#{index + 1}'}]"
            quirks.append((self.document.origin_of((*self._path, "name")), self._quirk(table)))
        return quirks

    def _quirk(self, table: Mapping[str, object]) -> Quirk:
        for key in table:
            if key not in _KEYS:
                meant = nearest(key, _KEYS)
                hint = f"did you mean {meant}?" if meant else f"a quirk has {listed(_KEYS)}"
                self._wrong(key, f"is not a known key; {hint}")
        for key, hint in _MISSING.items():
            if key not in table:
                self._wrong(key, f"is missing; {hint}")
        every = table.get("every_charger", False)
        if not isinstance(every, bool):
            self._wrong("every_charger", f"must be true or false without quotes, not {shown(every)}")
        elif every and (also := [key for key in ("vendor", "model", "firmware") if key in table]):
            self._wrong("every_charger", f"is true, so {listed(also)} would say nothing; remove one or the other")
        if "firmware" in table and not {"vendor", "model"} & table.keys():
            self._wrong("firmware", "says nothing without a vendor or model; add whose firmware it is")
        return Quirk(
            name=self._name(table),
            about=self._text(table, "about"),
            source=self._text(table, "source"),
            corrections=self._corrections(table.get("corrections", [])),
            vendor=self._pattern(table, "vendor"),
            model=self._pattern(table, "model"),
            firmware=self._firmware(table),
            every_charger=every is True,
            file=self.file,
        )

    def _name(self, table: Mapping[str, object]) -> str:
        name = self._text(table, "name")
        if name and not (_NAME.fullmatch(name) and len(name) <= LONGEST_NAME):
            example = 'such as "acme-empty-text"'
            self._wrong("name", f"must be words of a-z and 0-9 with - between them, {example}, not {shown(name)}")
        return name

    def _text(self, table: Mapping[str, object], key: str) -> str:
        return self._accepted(key, table[key]) if key in table else ""

    def _accepted(self, key: str, value: object) -> str:
        try:
            return read_text(value)
        except PydanticCustomError as error:
            self._wrong(key, error.message())
            return ""

    def _pattern(self, table: Mapping[str, object], key: str) -> Pattern | None:
        if key not in table:
            return None
        value = table[key]
        texts = value if isinstance(value, list) else [value]
        if not texts:
            self._wrong(key, "is an empty list, which nothing is like; remove it")
        return Pattern(tuple(self._accepted(key, text) for text in texts))

    def _firmware(self, table: Mapping[str, object]) -> FirmwareRange | None:
        if "firmware" not in table:
            return None
        text = table["firmware"]
        found = read_range(text) if isinstance(text, str) else None
        if found is None:
            self._wrong("firmware", f'must be bounds such as ">=1.0 <1.8.21", not {shown(text)}')
        return found

    def _corrections(self, value: object) -> tuple[Use, ...]:
        if not isinstance(value, list):
            self._wrong("corrections", f'must be a list in brackets, such as ["empty_as_absent"], not {shown(value)}')
            return ()
        return tuple(use for item in value if (use := self._use(item)))

    def _use(self, item: object) -> Use | None:
        table: Mapping[str, object] = item if isinstance(item, dict) else {"name": item}
        name = table.get("name")
        if not isinstance(name, str):
            self._wrong("corrections", f"must hold names of corrections in quotes, not {shown(item)}")
            return None
        if name not in NAMES:
            meant = nearest(name, NAMES)
            hint = f'did you mean "{meant}"?' if meant else f"there are {listed(sorted(NAMES))}"
            self._wrong("corrections", f"there is no correction {shown(name)}; {hint}")
            return None
        return Use(name, dict(self._parameters(name, {key: table[key] for key in table if key != "name"})))

    def _parameters(self, name: str, given: Mapping[str, object]) -> Iterator[tuple[str, int]]:
        wanted = parameters_of(name)
        for key in [key for key in given if key not in wanted]:
            hint = f"it takes {listed(sorted(wanted))}" if wanted else "it takes no parameter, remove it"
            self._wrong("corrections", f"{name} has no parameter {plain(key)}; {hint}")
        for key, bounds in wanted.items():
            value = given.get(key)
            if isinstance(value, int) and not isinstance(value, bool) and bounds.lowest <= value <= bounds.highest:
                yield key, value
                continue
            between = f"a whole number between {bounds.lowest} and {bounds.highest}"
            example = f'{{ name = "{name}", {key} = {EXAMPLE} }}'
            self._wrong("corrections", f"{name} needs {key}, {between}: {example}")

    def _wrong(self, key: str, text: str) -> None:
        self._say((*self._path, key), f"{self._label}.{plain(key)}", text)

    def _say(self, path: KeyPath, key: str, text: str) -> None:
        end = "" if self.file == "" else f" ({_OTHERS_LEFT_OUT})"
        self.problems.append(self.document.problem(path, key, text + end))
