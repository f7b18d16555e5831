"""The README's way from nothing to the first charger, command by command, as the user of a Raspberry Pi."""

from __future__ import annotations

import re
from pathlib import Path

from tests import counts
from tests.boot import evgate
from tests.boot.machine import Machine, boot
from tests.boot.root import USER

README = counts.ROOT / "README.md"

HEADING = "On a Raspberry Pi"
"""The sections of this name are followed here."""

SECTION = re.compile(r"^(#+) (.+?)$\n(.*?)(?=^#+ |\Z)", re.DOTALL | re.MULTILINE)
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)


def blocks(readme: str) -> list[str]:
    """The shell blocks of the sections that stand below the heading, in their order."""
    below, found = 0, []
    for marks, title, text in SECTION.findall(_without_comments(readme)):
        if title.startswith(HEADING):
            below = len(marks)
        elif len(marks) <= below:
            below = 0
        if below:
            found += BLOCK.findall(text.replace("\0", "#"))
    return found


def test_each_command_of_the_readme_works(root: Path, package: Path, figure: evgate.Figure) -> None:
    steps = blocks(README.read_text())
    assert steps, f"the README has no section {HEADING!r} with shell blocks"
    with boot(root) as machine:
        home = f"/home/{USER}"
        machine.copy_in(package, f"{home}/{package.name}")
        for step in steps:
            _follow(machine, step)
    figure(f"{len(steps)} blocks")


def _follow(machine: Machine, step: str) -> None:
    """Run one block word by word, in a new shell as the user would open it; every command must succeed."""
    machine.write("/tmp/step", step)
    machine.run(f"runuser --login {USER} -c 'bash -eux -o pipefail /tmp/step'")


def _without_comments(readme: str) -> str:
    """A # at the start of a line within a code block is no heading."""
    return re.sub(r"(?ms)^```.*?^```", lambda code: code[0].replace("#", "\0"), readme)
