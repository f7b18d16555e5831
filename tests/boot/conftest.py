"""One freshly booted Debian 12 with the package installed, for most proofs; `make boot-test` runs them."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import counts
from tests.boot import evgate
from tests.boot.machine import Machine, boot
from tests.boot.root import USER, fresh_root

STORY = (
    "test_install",
    "test_sandbox",
    "test_first_charger",
    "test_reload",
    "test_clock",
    "test_recovery",
    "test_restarts",
    "test_bad_input",
    "test_lifecycle",
    "test_guide",
)
"""The order of the proofs: the first ones look at a machine that nobody has touched yet."""

FIGURES = "figures"

STASH = pytest.StashKey[list[str]]()


@dataclass(frozen=True, slots=True)
class Installation:
    """The machine, and what apt said when it installed the package there."""

    machine: Machine
    output: str
    took_s: float


@pytest.fixture(scope="session")
def package() -> Path:
    """The .deb to be proven; without it these tests are not even collected."""
    file = counts.ROOT / os.environ["EVGATE_DEB"]
    assert file.is_file(), f"{file} is missing: run `make boot-test`"
    return file


@pytest.fixture(scope="session")
def root(package: Path) -> Path:
    """A Debian 12 on which nothing of evgate has ever been."""
    assert os.geteuid() == 0, "a machine is booted by root only: sudo make boot-test"
    return fresh_root(package)


@pytest.fixture(scope="session")
def installation(root: Path, package: Path) -> Iterator[Installation]:
    """A booted machine, and the package installed as the README says; a broker and its clients as well."""
    with boot(root) as machine:
        machine.run("apt-get install --yes mosquitto mosquitto-clients")
        file = f"/home/{USER}/{package.name}"
        machine.copy_in(package, file)
        begin = time.monotonic()
        output = machine.run(f"apt-get install --yes {file}")
        yield Installation(machine, output, time.monotonic() - begin)


@pytest.fixture(scope="session")
def machine(installation: Installation) -> Machine:
    """The machine with the package installed."""
    return installation.machine


@pytest.fixture(scope="module")
def csms(machine: Machine) -> Iterator[None]:
    """An upstream in the machine that accepts everything."""
    with machine.running("csms", f"evgate sim csms --listen {evgate.CSMS}"):
        yield


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> evgate.Figure:
    """Tell a measured figure; it stands in the line of the proof."""
    return _figures(request.node).append


def _figures(item: pytest.Item) -> list[str]:
    return item.stash.setdefault(STASH, [])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The proofs in the order of the story; a module that is not in it is a mistake."""
    items.sort(key=lambda item: STORY.index(item.path.stem))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Take the figures along; to a failure add what the machine has logged."""
    report = yield
    report.user_properties.append((FIGURES, "; ".join(_figures(item))))
    if report.failed and (machine := _machine_of(item)) is not None:
        report.sections.append(("journal of the machine", _journal(machine)))
    return report


def _machine_of(item: pytest.Item) -> Machine | None:
    found = getattr(item, "funcargs", {}).values()
    return next((value for value in found if isinstance(value, Machine)), None)


def _journal(machine: Machine) -> str:
    try:
        return machine.try_run("journalctl --no-pager --lines 60 --output short-precise").stdout
    except (OSError, subprocess.SubprocessError) as error:
        return f"cannot be read: {error}"


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """How long each proof took, and what it measured."""
    if not report.passed or report.when != "call":
        return None
    figures = dict(report.user_properties)[FIGURES]
    return "passed", ".", f"{report.duration:5.1f} s  {figures}".rstrip()
