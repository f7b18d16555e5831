"""The lock files: every package by version and hash, and nothing about where it came from."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.counts import ROOT

LOCKS = sorted(ROOT.glob("requirements*.lock"))
ENTRY = re.compile(
    r"^([a-z0-9-]+)==([^ ;]+)((?: ;[^\\]+)?) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)",
    re.MULTILINE,
)


def versions(lock: str) -> dict[str, str]:
    """Package name to version."""
    return {match[1]: match[2] for match in ENTRY.finditer((ROOT / lock).read_text())}


def test_all_four_are_there() -> None:
    assert [lock.name for lock in LOCKS] == [
        "requirements-build.lock",
        "requirements-demo.lock",
        "requirements-dev.lock",
        "requirements.lock",
    ]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_nothing_but_versions_and_hashes(lock: Path) -> None:
    assert ENTRY.sub("", lock.read_text()) == ""


def test_the_project_s_own_pins_are_the_locked_ones() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked = versions("requirements.lock")
    assert {f"{name}=={locked[name]}" for name in (pin.partition("==")[0] for pin in project["dependencies"])} == set(
        project["dependencies"]
    )


def test_tests_run_on_the_versions_that_are_shipped() -> None:
    shipped, tested = versions("requirements.lock"), versions("requirements-dev.lock")
    assert shipped.items() <= tested.items()
    assert versions("requirements-build.lock").items() <= tested.items()
