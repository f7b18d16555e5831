"""What the package says of itself is true: version, licences, commands, configuration files."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import metadata
from pathlib import PurePath

from gateway import __version__
from tests.counts import ROOT

DEBIAN = ROOT / "debian"


def shipped_distributions() -> list[str]:
    """Everything that the lock names, but for what comes from Debian."""
    names = re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    return [name for name in names if name != "systemd-python"]


def test_the_version_is_the_programs() -> None:
    assert (DEBIAN / "changelog").read_text().startswith(f"evgate ({__version__}) ")


def test_every_module_that_is_shipped_has_its_licence() -> None:
    copyright_file = (DEBIAN / "copyright").read_text()
    named = set(re.findall(r"usr/lib/evgate/([\w.]+)", copyright_file))
    shipped = {
        PurePath(file).parts[0]
        for name in shipped_distributions()
        for file in metadata.files(name) or ()
        if PurePath(file).parts[0] not in ("..", "__pycache__")
    }
    assert named == {top for top in shipped if not top.endswith(".dist-info")}


def test_the_manual_names_every_command_and_no_other() -> None:
    page = (DEBIAN / "evgate.1").read_text().partition(".SH COMMANDS")[2].partition(".SH ")[0]
    headings = re.findall(r"^\.TP\n\.BR? (.*)$", page, re.MULTILINE)
    described = {word for heading in headings for word in re.findall(r'(?:^|")([a-z]+)', heading)}
    helped = subprocess.run([sys.executable, "-m", "gateway", "--help"], capture_output=True, text=True, cwd=ROOT)
    assert described == set(re.findall(r"^    ([a-z]+) ", helped.stdout, re.MULTILINE))


def test_there_is_one_configuration_file_to_ask_about_in_an_upgrade() -> None:
    files = [line for list_ in DEBIAN.glob("*.install") for line in list_.read_text().splitlines() if " etc" in line]
    assert files == ["config/gateway.toml etc/evgate"]


def test_every_override_of_lintian_is_justified() -> None:
    lines = (DEBIAN / "evgate.lintian-overrides").read_text().splitlines()
    overrides = [number for number, line in enumerate(lines) if line.startswith("evgate: ")]
    assert overrides
    assert all(lines[number - 1].startswith("# ") for number in overrides)
