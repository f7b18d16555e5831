"""Where log lines go: text, or journal entries with fields; neither lets a secret through."""

from __future__ import annotations

import logging
import os
import socket
from pathlib import Path

import pytest

from gateway.adapters.journal_log import Journal, writes_to_journal
from gateway.adapters.plain_log import PlainFormatter, plain_handler
from gateway.adapters.systemd_notifier import SystemdNotifier

SECRET_LINE = 'sent [2,"1","Authorize",{"idTag":"ABCDEF4F2A"}] with Basic Q1AwMTpzZWNyZXQ='


def record(text: str, level: int = logging.INFO, **fields: str) -> logging.LogRecord:
    """A record as `Notes` makes it."""
    made = logging.LogRecord("gateway", level, __file__, 1, "%s", (text,), None)
    made.created = 1_772_352_000.25
    made.fields = fields
    return made


def failure() -> BaseException:
    """An exception with a traceback that names a secret."""
    try:
        raise ValueError("Basic Q1AwMTpzZWNyZXQ=")
    except ValueError as error:
        return error


def test_plain_line() -> None:
    line = PlainFormatter().format(record("connected", CHARGE_POINT="CP01"))
    assert line == "2026-03-01T08:00:00.250Z INFO CP01: connected"
    assert PlainFormatter().format(record("stopping")) == "2026-03-01T08:00:00.250Z INFO stopping"


def test_plain_line_is_redacted_tracebacks_too() -> None:
    made = record(SECRET_LINE)
    error = failure()
    made.exc_info = (type(error), error, error.__traceback__)
    text = PlainFormatter().format(made)
    assert "****4F2A" in text
    assert "ABCDEF" not in text
    assert "Q1AwMTpzZWNyZXQ=" not in text
    assert "Traceback" in text


def test_plain_line_always_encodes() -> None:
    assert PlainFormatter().format(record("a\ud800b")).endswith("a\\ud800b")


def test_plain_handler_writes_to_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    handler = plain_handler()
    handler.handle(record("stopping"))
    assert capfd.readouterr().err.endswith("INFO stopping\n")


def test_journal_entry_has_fields() -> None:
    entries: list[tuple[str, dict[str, str | int]]] = []

    def send(message: str, **fields: str | int) -> None:
        entries.append((message, fields))

    Journal(send).handle(
        record(SECRET_LINE, logging.WARNING, CHARGE_POINT="CP01", NOTE="Basic Q1AwMTpzZWNyZXQ=", EMPTY="")
    )
    [(message, fields)] = entries
    assert message.startswith("CP01: ")
    assert "****4F2A" in message
    assert fields.items() >= {"LOGGER": "gateway", "PRIORITY": "4", "CHARGE_POINT": "CP01", "NOTE": "Basic ***"}.items()
    assert fields["SYSLOG_IDENTIFIER"] == "evgate"
    assert fields["CODE_FILE"] == "test_logs.py"
    assert "EMPTY" not in fields


def test_journal_entry_of_a_failure_holds_the_traceback() -> None:
    entries: list[str] = []
    made = record("internal error", logging.ERROR)
    error = failure()
    made.exc_info = (type(error), error, error.__traceback__)
    Journal(lambda message, **_: entries.append(message)).handle(made)
    assert "Traceback" in entries[0]
    assert "Q1AwMTpzZWNyZXQ=" not in entries[0]


def test_journal_that_is_gone_does_not_stop_the_caller(capfd: pytest.CaptureFixture[str]) -> None:
    def send(_message: str, **_fields: str) -> None:
        raise OSError("no journal")

    Journal(send).handle(record("lost"))
    assert "no journal" in capfd.readouterr().err


def test_the_real_library_takes_what_it_is_given(capfd: pytest.CaptureFixture[str]) -> None:
    handler = Journal()
    assert handler._send.__module__ == "systemd.journal"  # noqa: SLF001
    handler.handle(record("to the journal of this machine, if it has one", CHARGE_POINT="CP01"))
    assert capfd.readouterr().err == ""


def test_journal_is_told_from_a_terminal(tmp_path: Path) -> None:
    with (tmp_path / "stderr").open("w") as stream:
        stat = os.fstat(stream.fileno())
        assert writes_to_journal({"JOURNAL_STREAM": f"{stat.st_dev}:{stat.st_ino}"}, stream.fileno())
        assert not writes_to_journal({"JOURNAL_STREAM": f"{stat.st_dev}:1"}, stream.fileno())
        assert not writes_to_journal({"JOURNAL_STREAM": "nonsense"}, stream.fileno())
        assert not writes_to_journal({}, stream.fileno())


def test_notifier_speaks_to_the_service_manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        notifier = SystemdNotifier(os.environ)
        notifier.ready("serving")
        notifier.status("2 of 3 chargers online")
        notifier.alive()
        notifier.stopping()
        assert manager.recv(1000) == b"READY=1\nSTATUS=serving"
        assert manager.recv(1000) == b"STATUS=2 of 3 chargers online"
        assert manager.recv(1000) == b"WATCHDOG=1"
        assert manager.recv(1000) == b"STOPPING=1"


def test_what_a_status_holds_stays_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        SystemdNotifier(os.environ).status("CP\nSTOPPING=1\0\ud800")
        assert manager.recv(1000) == b"STATUS=CP?STOPPING=1??"


def test_a_service_manager_that_hears_nothing_is_told_of_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    notifier = SystemdNotifier(os.environ)
    notifier.alive()
    notifier.stopping()
    warnings = [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert "systemd cannot be told" in warnings[0]


def test_notifier_is_silent_without_a_service_manager() -> None:
    notifier = SystemdNotifier({})
    notifier.ready("serving")
    assert "NOTIFY_SOCKET" not in os.environ


@pytest.mark.parametrize(
    ("environ", "watchdog_s"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "2500000", "WATCHDOG_PID": str(os.getpid())}, 2.5),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getppid())}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "-5"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_of_this_process_is_read(environ: dict[str, str], watchdog_s: float | None) -> None:
    assert SystemdNotifier({"NOTIFY_SOCKET": "/run/nowhere", **environ}).watchdog_s == watchdog_s
    assert SystemdNotifier(environ).watchdog_s is None
