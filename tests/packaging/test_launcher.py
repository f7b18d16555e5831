"""The command `evgate` as installed finds its own modules, whatever the current folder holds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.counts import ROOT

LAUNCHER = (ROOT / "debian" / "launcher").read_text("utf-8")

PROGRAM = """
import subprocess, sys

def main():
    print("ours", flush=True)
    if sys.argv[1:]:
        subprocess.run([sys.executable, "-m", "gateway"], check=True)

if __name__ == "__main__":
    main()
"""


def run(tmp_path: Path, *arguments: str) -> str:
    """Run the launcher with a program of the test's own, in a folder that holds a rival of it."""
    for folder, text in (("modules/gateway", PROGRAM), ("rival/gateway", "raise SystemExit('the rival')")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "__init__.py").touch()
        (tmp_path / folder / "__main__.py").write_text(text)
    launcher = tmp_path / "evgate"
    launcher.write_text(LAUNCHER.replace("/usr/lib/evgate", str(tmp_path / "modules")))
    first_line = LAUNCHER.splitlines()[0]
    flags = first_line.removeprefix("#!/usr/bin/python3 ").split()
    command = [sys.executable, *flags, str(launcher), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path / "rival")
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_current_folder_is_not_seen(tmp_path: Path) -> None:
    assert run(tmp_path) == "ours\n"


def test_nor_is_it_by_the_processes_that_it_starts(tmp_path: Path) -> None:
    assert run(tmp_path, "with a child") == "ours\nours\n"


def test_debian_s_python_runs_it() -> None:
    assert LAUNCHER.startswith("#!/usr/bin/python3 -sP\n")
