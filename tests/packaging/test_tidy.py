"""What pip put into the package's folder, made fit for it. The script runs as the build runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.counts import ROOT

FILES = {
    "bin/tool": "#!/builder/python\n",
    "thing/__init__.py": "#!/usr/bin/env python\nVERSION = 1\n",
    "thing/__init__.pyi": "VERSION: int\n",
    "thing/tests/test_thing.py": "assert True\n",
    "thing/only/speedups.c": "int x;\n",
    "thing/schemas/one.json": "{}\n",
    "thing-1.0.dist-info/METADATA": "Version: 1.0\n",
    "thing-1.0.dist-info/RECORD": "",
    "thing-1.0.dist-info/licenses/LICENSE": "Do as you like.\n",
    "thing-1.0.dist-info/licenses/NOTICE": "By somebody.\n",
}


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    folder = tmp_path / "modules"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def tidy(modules: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "debian" / "tidy.py"), str(modules), str(modules.parent / "licenses")]
    return subprocess.run(command, capture_output=True, text=True)


def test_what_nothing_imports_goes(modules: Path) -> None:
    assert tidy(modules).returncode == 0
    assert {str(path.relative_to(modules)) for path in modules.rglob("*")} == {
        "thing",
        "thing/__init__.py",
        "thing/schemas",
        "thing/schemas/one.json",
        "thing-1.0.dist-info",
        "thing-1.0.dist-info/METADATA",
    }


def test_modules_are_no_commands_and_keep_their_lines(modules: Path) -> None:
    tidy(modules)
    assert (modules / "thing/__init__.py").read_text() == "#\nVERSION = 1\n"


def test_licences_are_collected(modules: Path) -> None:
    tidy(modules)
    assert (modules.parent / "licenses/thing.txt").read_text() == "Do as you like.\n\n\nBy somebody.\n"


def test_what_has_no_licence_is_not_packaged(modules: Path) -> None:
    for name in ("LICENSE", "NOTICE"):
        (modules / "thing-1.0.dist-info/licenses" / name).unlink()
    done = tidy(modules)
    assert done.returncode == 1
    assert "thing-1.0.dist-info contains no licence" in done.stderr
