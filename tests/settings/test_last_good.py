"""The last good configuration: kept exactly, used only when it must be, and never a reason to crash."""

from __future__ import annotations

import json
import os
import resource
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.settings import ConfigurationError, load_or_last_good, load_present, remember, state_folder
from tests.settings.site import without_privileges, write_site

NOW = datetime(2026, 7, 4, 12, 30, tzinfo=UTC)
LATER = datetime(2026, 7, 5, 12, 30, tzinfo=UTC)

# A mark of Windows editors, its line ends, and letters beyond ASCII: all of it must come back.
GOOD = '\ufeff[site]\r\nid = "depot3"\r\nname = "Zürich"\r\n[mqtt]\r\nusername = "u"\r\npassword = "hunter2"\r\n'
BROKEN = "[site\n"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    return folder


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_site(tmp_path, GOOD, {"a.toml": "[log]\nlevel = 'debug'\n"})


def service(state: Path, **variables: str) -> dict[str, str]:
    return {"STATE_DIRECTORY": str(state), **variables}


def kept(path: Path, state: Path, **variables: str) -> Path:
    """The configuration became ready; returns the file in which it was kept."""
    assert remember(state, load_present(path, service(state, **variables)).snapshot, NOW) is None
    return state / "last-good.json"


def failures(path: Path, environ: dict[str, str]) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load_or_last_good(path, environ)
    return str(caught.value).split("\n")


def test_what_is_right_is_used(path: Path, state: Path) -> None:
    kept(path, state)
    path.write_text("[site]\nid = 'depot4'\n")
    loaded = load_or_last_good(path, service(state))
    assert loaded.settings.site.id == "depot4"
    assert (loaded.problems, loaded.since) == ((), None)


def test_a_broken_edit_leaves_the_service_with_the_last_good(path: Path, state: Path) -> None:
    before = load_present(path, service(state)).settings
    kept(path, state)
    path.write_text(BROKEN)
    (path.parent / "conf.d" / "b.toml").write_text("[[charger]]\n")
    loaded = load_or_last_good(path, service(state))
    assert dict(loaded.settings) == dict(before)
    assert loaded.settings.origins == before.origins
    assert loaded.since == NOW
    assert sorted(str(problem).partition(": ")[0] for problem in loaded.problems) == [
        f"{path.parent}/conf.d/b.toml:1",
        f"{path}:1",
    ]
    # It can be remembered again, which changes nothing.
    assert remember(state, loaded.snapshot, LATER) is None
    assert load_or_last_good(path, service(state)).since == NOW


def test_a_file_that_has_gone_is_a_broken_edit(path: Path, state: Path) -> None:
    kept(path, state)
    path.unlink()
    loaded = load_or_last_good(path, service(state))
    assert loaded.settings.site.id == "depot3"
    assert "there is no such file" in str(loaded.problems[0])


def test_the_variables_belong_to_it(path: Path, state: Path) -> None:
    file = kept(path, state, EVGATE_LOG__LEVEL="warning", EVGATE_CONTROL="/x", EVGATE_MQTT__ROOT="", PATH="/bin")
    assert json.loads(file.read_text())["variables"] == {"EVGATE_LOG__LEVEL": "warning"}
    loaded = load_or_last_good(path, service(state, EVGATE_LOG__LEVEL="loud"))
    assert loaded.settings.log.level == "warning"
    assert str(loaded.problems[0]).startswith("environment: EVGATE_LOG__LEVEL: must be ")


def test_settings_and_snapshot_come_from_the_same_read(path: Path, state: Path) -> None:
    loaded = load_present(path, service(state))
    path.write_text(BROKEN)
    assert dict(loaded.snapshot.settings()) == dict(loaded.settings)


def test_started_by_hand_a_broken_file_is_an_error(path: Path, state: Path) -> None:
    kept(path, state)
    path.write_text(BROKEN)
    (path.parent / "conf.d" / "a.toml").unlink()
    assert len(failures(path, {})) == 1


def test_without_a_last_good_a_broken_file_is_an_error(path: Path, state: Path) -> None:
    path.write_text(BROKEN)
    assert failures(path, service(state)) == failures(path, {})


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[]",
        b"5",
        b"[" * 100_000,
        b'{"v": 1}',
        b'{"v": 1, "files": [], "variables": {}, "remembered": "2026-07-04T12:30:00+00:00"}',
        b'{"v": 1, "files": [{"path": "x", "text": 5}], "variables": {}, "remembered": "2026-07-04T12:30:00+00:00"}',
        b'{"v": 1, "files": [{"path": "x", "text": ""}], "variables": {}, "remembered": "2026-07-04T12:30:00"}',
        b'{"v": 1, "files": [{"path": "x", "text": ""}], "variables": {}, "remembered": 5}',
        b'{"v": 1, "files": [{"path": "x", "text": ""}], "variables": [], "remembered": "2026-07-04T12:30:00+00:00"}',
        b'{"v": 1, "files": [{"path": "\\ud800", "text": ""}], "variables": {}, "remembered": "2026-07-04T12:30:00Z"}',
    ],
)
def test_a_damaged_last_good_is_a_sentence_and_is_written_anew(content: bytes, path: Path, state: Path) -> None:
    file = state / "last-good.json"
    file.write_bytes(content)
    good = path.read_bytes()
    path.write_text(BROKEN)
    assert failures(path, service(state))[-1] == (
        f"{file}: the last good configuration cannot be used: it is damaged; "
        "correct the present configuration and restart evgate, then it is written anew"
    )
    path.write_bytes(good)
    kept(path, state)
    path.write_text(BROKEN)
    assert load_or_last_good(path, service(state)).settings.site.id == "depot3"


def test_a_last_good_of_another_version(path: Path, state: Path) -> None:
    (state / "last-good.json").write_text('{"v": 2}')
    path.write_text(BROKEN)
    assert "another version of evgate wrote it; correct" in failures(path, service(state))[-1]


def test_a_last_good_that_this_version_does_not_know(path: Path, state: Path) -> None:
    file = kept(path, state)
    file.write_text(file.read_text().replace("level", "layer"))
    path.write_text(BROKEN)
    assert (
        f"does not fit this version of evgate: {path.parent}/conf.d/a.toml:2: log.layer: "
        in failures(path, service(state))[-1]
    )


def test_a_last_good_that_may_not_be_read(path: Path, state: Path) -> None:
    kept(path, state)
    path.write_text(BROKEN)
    with without_privileges():
        assert (
            "last good configuration cannot be read (Permission denied); correct" in failures(path, service(state))[-1]
        )


def test_it_is_private_whatever_stood_there(path: Path, state: Path) -> None:
    (state / "last-good.json").write_text("{}")
    (state / "last-good.json.new").write_text("a power cut left this")
    (state / "last-good.json.new").chmod(0o644)
    mask = os.umask(0)
    try:
        file = kept(path, state)
    finally:
        os.umask(mask)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [entry.name for entry in state.iterdir()] == ["last-good.json"]


def test_nothing_is_written_without_a_change(path: Path, state: Path) -> None:
    first = kept(path, state).stat()
    snapshot = load_present(path, {}).snapshot
    assert remember(state, snapshot, LATER) is None
    assert (state / "last-good.json").stat().st_ino == first.st_ino
    assert (state / "last-good.json").stat().st_mtime_ns == first.st_mtime_ns
    path.write_text(f"{GOOD}# another comment\r\n")
    assert remember(state, load_present(path, {}).snapshot, LATER) is None
    path.write_text(BROKEN)
    assert load_or_last_good(path, service(state)).since == LATER


def test_a_state_folder_that_cannot_be_written(path: Path, state: Path) -> None:
    snapshot = load_present(path, {}).snapshot
    with without_privileges():
        text = remember(state, snapshot, NOW)
    assert text is not None
    assert text.startswith(f"the last good configuration cannot be kept in {state} (Permission denied), so a broken ")
    assert text.endswith("let the user evgate write there, and make room on the disk")
    assert remember(state / "none", snapshot, NOW) is not None


def test_a_disk_that_is_full_keeps_the_one_before(path: Path, state: Path) -> None:
    file = kept(path, state)
    before = file.read_bytes()
    path.write_text(f"{GOOD}# changed\r\n")
    snapshot = load_present(path, {}).snapshot
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        text = remember(state, snapshot, LATER)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert text is not None
    assert "(File too large)" in text
    assert file.read_bytes() == before
    assert list(state.iterdir()) == [file]


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"STATE_DIRECTORY": ""}, None),
        ({"STATE_DIRECTORY": "/var/lib/evgate"}, Path("/var/lib/evgate")),
        ({"STATE_DIRECTORY": "/var/lib/evgate:/var/lib/other"}, Path("/var/lib/evgate")),
    ],
)
def test_the_state_folder(environ: dict[str, str], expected: Path | None) -> None:
    assert state_folder(environ) == expected
