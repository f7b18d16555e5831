"""`gateway.settings.check`: the whole report, for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.settings import check
from tests.settings.site import write_site

SITE = """
[site]
id = "depot3"
[[upstream]]
name = "operator"
url = "wss://csms.example.com/ocpp"
[[charger]]
identity = "CP01"
"""


def text_of(path: Path, environ: dict[str, str] | None = None) -> tuple[int, list[str]]:
    lines: list[str] = []
    return check(path, environ or {}, lines.append, False), lines


def json_of(path: Path) -> tuple[int, dict[str, object]]:
    lines: list[str] = []
    status = check(path, {}, lines.append, True)
    assert len(lines) == 1
    report: dict[str, object] = json.loads(lines[0])
    return status, report


def test_a_right_configuration(tmp_path: Path) -> None:
    path = write_site(tmp_path, SITE, {"a.toml": ""})
    status, lines = text_of(path)
    assert status == 0
    assert lines[0] == f"The configuration is right: {path}, {tmp_path}/conf.d/a.toml"
    assert lines[1:4] == ["", "The daemon will do this:", "  This is site depot3."]
    assert "Without effect:" not in lines
    assert "Warnings:" not in lines


def test_warnings_and_what_has_no_effect(tmp_path: Path) -> None:
    path = write_site(tmp_path, f"{SITE}intercept = 'on'\npassword = {{ credential = 'cp01' }}\n")
    status, lines = text_of(path)
    assert status == 0
    start = lines.index("Without effect:")
    assert lines[start + 1] == "  charger[CP01].intercept: not in this version, every command of upstream is relayed"
    assert lines[start + 3] == "Warnings:"
    assert lines[start + 4].startswith(f'  {path}:10: charger[CP01].password: credential "cp01" is not here')


def test_a_wrong_configuration(tmp_path: Path) -> None:
    path = write_site(tmp_path, "[site]\nid = 'A'\n")
    assert text_of(path, {"EVGATE_LOG__LEVEL": "x"}) == (
        1,
        [
            f'{path}:2: site.id: must be 1 to 48 of a-z, 0-9 and -, not "A"; for example "a"',
            'environment: EVGATE_LOG__LEVEL: must be "debug", "info", "warning" or "error", not "x"',
            "2 problems; until they are corrected, evgate keeps to the configuration that it has.",
        ],
    )


def test_one_problem_is_one(tmp_path: Path) -> None:
    assert (
        text_of(tmp_path / "none.toml")[1][-1]
        == "1 problem; until it is corrected, evgate keeps to the configuration that it has."
    )


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    path = write_site(tmp_path, f"{SITE}password = {{ file = '{tmp_path}/none' }}")
    status, lines = text_of(path)
    assert status == 1
    assert lines == [
        f"{path}:9: charger[CP01].password: there is no file {tmp_path}/none; create it or correct the path",
        "1 problem; until it is corrected, evgate keeps to the configuration that it has.",
    ]


def test_for_programs(tmp_path: Path) -> None:
    path = write_site(tmp_path, f"{SITE}intercept = 'on'\n")
    status, report = json_of(path)
    assert status == 0
    assert report["ok"] is True
    assert report["files"] == [str(path)]
    assert report["problems"] == report["warnings"] == []
    assert report["not_in_this_version"] == [
        "charger[CP01].intercept: not in this version, every command of upstream is relayed"
    ]
    plan = report["plan"]
    assert isinstance(plan, list)
    assert plan[0] == "This is site depot3."


def test_problems_for_programs(tmp_path: Path) -> None:
    path = write_site(tmp_path, "[sitee]\n")
    status, report = json_of(path)
    assert status == 1
    assert report == {
        "ok": False,
        "files": [],
        "problems": [{"file": str(path), "line": 1, "key": "sitee", "text": "is not a section; did you mean [site]?"}],
        "warnings": [],
        "plan": [],
        "not_in_this_version": [],
    }


PASSED = "LoadState=loaded\nListen={} (Stream)\n"


def checked_with_sockets(path: Path, answer: str, given: Path | None = None) -> tuple[int, list[str]]:
    lines: list[str] = []
    return check(given, {}, lines.append, False, service_file=path, ask=lambda: answer), lines


def test_a_socket_that_nobody_listens_on_is_a_problem(tmp_path: Path) -> None:
    path = write_site(tmp_path, SITE + "[chargers]\nlisten = '0.0.0.0:9100'\n")
    status, lines = checked_with_sockets(path, PASSED.format("0.0.0.0:9000"))
    assert status == 1
    assert lines == [
        (
            "evgate.socket: ListenStream=0.0.0.0:9000: systemd opens this, and no listener is configured for it: "
            "chargers that dial it are never served; put the lines `[Socket]`, `ListenStream=` and "
            "`ListenStream=0.0.0.0:9100` in with: systemctl edit evgate.socket, then run: "
            "systemctl restart evgate.socket"
        ),
        "1 problem; until it is corrected, evgate keeps to the configuration that it has.",
        "",
        "Warnings:",
        (
            "  evgate.socket does not open 0.0.0.0:9100: evgate does, but refuses chargers there while it restarts; "
            "put the lines `[Socket]` and `ListenStream=0.0.0.0:9100` in with: systemctl edit evgate.socket, then run: "
            "systemctl restart evgate.socket"
        ),
    ]


@pytest.mark.parametrize("answer", ["", "LoadState=not-found\n", "LoadState=masked\nListen=0.0.0.0:1 (Stream)\n"])
def test_without_the_unit_nothing_is_said_of_sockets(answer: str, tmp_path: Path) -> None:
    status, lines = checked_with_sockets(write_site(tmp_path, SITE), answer)
    assert status == 0
    assert "Warnings:" not in lines


def test_another_file_than_that_of_the_service_has_nothing_to_do_with_its_sockets(tmp_path: Path) -> None:
    path = write_site(tmp_path, SITE)
    answer = PASSED.format("0.0.0.0:1")
    assert checked_with_sockets(tmp_path / "other.toml", answer, given=path)[0] == 0
    assert checked_with_sockets(path, answer, given=path)[0] == 1


def test_a_low_port_that_systemd_opens_needs_no_root(tmp_path: Path) -> None:
    path = write_site(tmp_path, SITE + "[chargers]\nlisten = '0.0.0.0:443'\n")
    assert not any("root only" in line for line in checked_with_sockets(path, PASSED.format("[::]:443"))[1])
    [warning] = [line for line in checked_with_sockets(path, "LoadState=loaded\n")[1] if "port 443 can" in line]
    assert "let systemd open it: `ListenStream=0.0.0.0:443` in systemctl edit evgate.socket" in warning
