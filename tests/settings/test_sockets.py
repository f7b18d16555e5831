"""What systemd says about its sockets, asked with a real process, and compared with the listeners."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.settings import Address
from gateway.settings.sockets import ask_systemd, passed_by, unmatched
from tests.settings.site import settings_from

ANY = Address("0.0.0.0", 9000)


def systemctl(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a program of this name on the path, and nothing else."""
    program = folder / "systemctl"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def test_the_question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    systemctl(tmp_path, 'echo "$@"', monkeypatch)
    assert ask_systemd() == "show evgate.socket --property=LoadState --property=Listen\n"


@pytest.mark.parametrize("script", ["echo LoadState=loaded; exit 1", "printf '\\377'", "exec /bin/sleep 60"])
def test_no_answer(script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    systemctl(tmp_path, script, monkeypatch)
    assert ask_systemd(within_s=0.5) == ""


def test_no_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ask_systemd() == ""


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("", None),
        ("LoadState=not-found\n", None),
        ("LoadState=loaded\n", ()),
        ("Listen=0.0.0.0:9000 (Stream)\nLoadState=loaded\n", (ANY,)),
        (
            "LoadState=loaded\nListen=[::]:9000 (Stream)\nListen=192.0.2.7:9443 (Stream)\n",
            (Address("::", 9000), Address("192.0.2.7", 9443)),
        ),
        ("LoadState=loaded\nListen=/run/x.sock (Stream)\nListen=0.0.0.0:9000 (Datagram)\nListen=@x (Stream)\n", ()),
    ],
)
def test_what_systemd_passes(answer: str, expected: tuple[Address, ...] | None) -> None:
    assert passed_by(answer) == expected


@pytest.mark.parametrize(
    ("text", "passed", "problems", "warnings"),
    [
        ("", [ANY], [], []),
        ("", [Address("::", 9000)], [], []),
        ("", [], [], ["0.0.0.0:9000"]),
        ("", [ANY, Address("0.0.0.0", 9443)], ["0.0.0.0:9443"], []),
        ("[chargers]\nlisten = '127.0.0.1:9000'", [ANY], ["0.0.0.0:9000"], ["127.0.0.1:9000"]),
        ("[chargers.tls]\ncertificate = '/c'\nkey = '/k'", [ANY], [], ["0.0.0.0:9443"]),
        # Any free port cannot be known beforehand, and a low one has a warning of its own.
        ("[chargers]\nlisten = ['127.0.0.1:0', '0.0.0.0:80']", [], [], []),
    ],
)
def test_sockets_and_listeners(text: str, passed: list[Address], problems: list[str], warnings: list[str]) -> None:
    found, cautions = unmatched(settings_from(text), passed)
    assert [problem.key for problem in found] == [f"ListenStream={address}" for address in problems]
    assert len(cautions) == len(warnings)
    for caution, address in zip(cautions, warnings, strict=True):
        assert caution.startswith(f"evgate.socket does not open {address}: ")
