"""What the machine says of itself, read from real files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.adapters import machine


def test_two_machines_with_one_site_id_are_told_apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = set()
    for name in ("one", "other"):
        (tmp_path / name).write_text(f"{name}\n")
        monkeypatch.setattr(machine, "MACHINE_ID", tmp_path / name)
        found |= {machine.digest(), machine.digest()}
        assert name not in machine.digest()
    monkeypatch.setattr(machine, "MACHINE_ID", tmp_path / "missing")
    found.add(machine.digest())
    assert len(found) == 3
    assert all(re.fullmatch("[0-9a-f]{8}", digest) for digest in found)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n', "Debian GNU/Linux 12 (bookworm)"),
        (b"PRETTY_NAME=Alpine\xff\n", "Alpine�"),
        (b"NAME=x\n", None),
        (None, None),
    ],
)
def test_the_operating_system(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None, name: str | None
) -> None:
    file = tmp_path / "os-release"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setattr(machine, "OS_RELEASE", file)
    assert machine.os_name() == name
