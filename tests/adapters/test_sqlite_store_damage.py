"""A damaged store is set aside and a fresh one begun; rows that make no sense cost themselves only."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.adapters.sqlite_store import SqliteStore
from gateway.adapters.sqlite_store.aside import MOST
from gateway.adapters.sqlite_store.database import MIGRATIONS
from gateway.core.energy import Energy
from gateway.core.memory import ChargerRecord, ConnectorRecord, Durable, FaultRecord, Memory, Phase, SessionRecord
from gateway.core.reports import StatusReported
from gateway.runtime.ports import Remembered, SavedStation, StoreFailed, StoreRefused
from tests.adapters.store_files import CP01, CP02, NOON, folder_content, foreign, numbered, stations_in

CHANGED = datetime(2026, 3, 1, 12, 30, 15, tzinfo=UTC)
ASIDE = "evgate.db.damaged-20260301T123015"
LOST = {
    "zeros": bytes(5000),
    "few zeros": bytes(7),
    "a header cut short": b"SQLite format 3\0" + b"\x04\0\x02\x02",
    "less than the first word": b"SQLi",
    "a header that tells nothing": b"SQLite format 3\0" + bytes(4080),
}


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A store of some 40 pages, closed."""
    path = tmp_path / "evgate.db"
    store = SqliteStore(path)
    await store.commit([SavedStation(numbered(number)) for number in range(200)])
    await store.close()
    return path


def left_alone_since(path: Path, time: datetime = CHANGED) -> None:
    os.utime(path, (time.timestamp(), time.timestamp()))


async def begun_anew(path: Path) -> str:
    """Where the damaged store went; the fresh one takes commits, and is opened again as it is."""
    store = SqliteStore(path)
    await store.open()
    assert await store.stations() == []
    await store.commit([SavedStation(CP01)])
    await store.close()
    assert await stations_in(path) == [CP01]
    assert store.set_aside is not None
    return Path(store.set_aside).name


@pytest.mark.parametrize("name", LOST)
async def test_a_lost_header_is_damage(tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "evgate.db"
    path.write_bytes(LOST[name])
    left_alone_since(path)
    assert await begun_anew(path) == ASIDE
    assert (tmp_path / ASIDE).read_bytes() == LOST[name]
    assert str(tmp_path / ASIDE) in caplog.text
    assert "replace a failing card" in caplog.text


async def test_a_first_page_of_zeros_is_damage(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(bytes(1024))
    left_alone_since(path)
    assert await begun_anew(path) == ASIDE


async def test_a_page_that_makes_no_sense_is_damage(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(-1024, os.SEEK_END)
        file.write(b"\xff" * 1024)
    damaged = path.read_bytes()
    assert (path.parent / await begun_anew(path)).read_bytes() == damaged


async def test_a_file_cut_short_is_damage(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)
    assert (await begun_anew(path)).startswith("evgate.db.damaged-")


async def test_a_file_cut_to_nothing_beside_its_log_is_damage(path: Path, tmp_path: Path) -> None:
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    with foreign(path) as connection:
        connection.execute("DELETE FROM stations")
        shutil.copy(f"{path}-wal", crashed / "evgate.db-wal")
    (crashed / "evgate.db").touch()
    log = (crashed / "evgate.db-wal").read_bytes()
    aside = await begun_anew(crashed / "evgate.db")
    assert (crashed / f"{aside}-wal").read_bytes() == log


async def test_a_lost_header_is_found_again_in_the_log(path: Path, tmp_path: Path) -> None:
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    with foreign(path) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        connection.execute("DELETE FROM stations WHERE station > 1")
        for name in ("evgate.db", "evgate.db-wal"):
            shutil.copy(tmp_path / name, crashed)
    with (crashed / "evgate.db").open("r+b") as file:
        file.write(bytes(1024))
    assert await stations_in(crashed / "evgate.db") == [numbered(0)]
    assert [file.name for file in crashed.iterdir()] == ["evgate.db"]


async def test_its_logs_go_with_it(path: Path) -> None:
    path.write_bytes(bytes(4096))
    for suffix in ("-wal", "-shm"):
        Path(f"{path}{suffix}").write_bytes(b"log")
    left_alone_since(path)
    for suffix in ("-wal", "-shm"):
        left_alone_since(Path(f"{path}{suffix}"))
    assert await begun_anew(path) == ASIDE
    assert {name for name in folder_content(path.parent) if "damaged" in name} == {
        ASIDE,
        f"{ASIDE}-wal",
        f"{ASIDE}-shm",
    }


async def test_none_is_ever_overwritten_and_at_last_none_is_begun(tmp_path: Path) -> None:
    path = tmp_path / "evgate.db"
    for number in range(MOST):
        path.write_bytes(bytes(4096 + number))
        left_alone_since(path)
        await begun_anew(path)
    sizes = sorted(file.stat().st_size for file in tmp_path.glob("*.damaged-*"))
    assert sizes == [4096 + number for number in range(MOST)]
    path.write_bytes(bytes(4096))
    store = SqliteStore(path)
    with pytest.raises(StoreRefused, match=r"stand beside it already\. .* restart evgate\.$"):
        await store.open()
    await store.close()
    assert path.read_bytes() == bytes(4096)


async def test_where_no_fresh_one_can_be_begun_it_says_so(path: Path) -> None:
    path.write_bytes(bytes(4096))
    long = path.with_name("x" * 240)
    path.rename(long)
    store = SqliteStore(long)
    with pytest.raises(StoreFailed, match=r"header is lost\), and a fresh one cannot be begun .* evgate may not\.$"):
        await store.open()
    await store.close()
    assert long.read_bytes() == bytes(4096)


async def test_damage_in_service_fails_the_commit_and_the_next_one_begins_anew(path: Path) -> None:
    store = SqliteStore(path)
    await store.open()
    with foreign(path) as other:
        other.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")  # what the store has read, it reads again
    with path.open("r+b") as file:
        file.seek(1024)
        file.write(b"\xff" * (path.stat().st_size - 1024))
    with pytest.raises(StoreFailed, match=r"is damaged .* replace a failing card\.$"):
        await store.commit([SavedStation(CP02)])
    assert list(path.parent.glob("*.damaged-*")) == []
    await store.commit([SavedStation(CP01)])
    assert await store.stations() == [CP01]
    assert [str(file) for file in path.parent.glob("*.damaged-*[0-9]")] == [store.set_aside]
    await store.close()


async def test_another_tag_key_is_drawn_for_the_fresh_one(path: Path) -> None:
    store = SqliteStore(path)
    before = await store.tag_key()
    await store.close()
    path.write_bytes(bytes(4096))
    store = SqliteStore(path)
    after = await store.tag_key()
    await store.close()
    assert len(after) == 32
    assert after != before


# Rows


def connector(connector_id: int) -> ConnectorRecord:
    return ConnectorRecord(StatusReported(connector_id, "Available"), "available", NOON)


def fault(number: int) -> FaultRecord:
    return FaultRecord(number, 1, "OtherError", None, None, None, "warning", NOON, NOON)


RECORDS: list[Durable] = [ChargerRecord(), connector(1), connector(2), fault(1), fault(2)]
CONNECTORS, FAULTS = (connector(1), connector(2)), (fault(1), fault(2))
WITHOUT_CHARGER = Memory(None, CONNECTORS, FAULTS)
WITHOUT_CONNECTOR_2 = Memory(ChargerRecord(), CONNECTORS[:1], FAULTS)
WITHOUT_FAULT_2 = Memory(ChargerRecord(), CONNECTORS, FAULTS[:1])
NONSENSE = {
    "connectors SET since = 'yesterday' WHERE connector_id = 2": WITHOUT_CONNECTOR_2,
    "connectors SET connector_id = 'two' WHERE connector_id = 2": WITHOUT_CONNECTOR_2,
    "connectors SET info = x'ff' WHERE connector_id = 2": WITHOUT_CONNECTOR_2,
    "faults SET raised = '2026-03-01T12:00:00' WHERE number = 2": WITHOUT_FAULT_2,
    "faults SET code = 7 WHERE number = 2": WITHOUT_FAULT_2,
    "chargers SET relative_meter = 2": WITHOUT_CHARGER,
    "chargers SET boot = '{'": WITHOUT_CHARGER,
    "chargers SET boot = '[]'": WITHOUT_CHARGER,
    "chargers SET boot = '{}'": WITHOUT_CHARGER,
    "chargers SET boot = 7": WITHOUT_CHARGER,
}


@pytest.mark.parametrize("change", NONSENSE)
async def test_a_row_that_makes_no_sense_is_left_out_and_named(
    path: Path, change: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = SqliteStore(path)
    await store.commit([Remembered("cp01", record) for record in RECORDS])
    with foreign(path) as other:
        other.execute(f"UPDATE {change}")
    assert await store.memories() == {"cp01": NONSENSE[change]}
    table = change.split(maxsplit=1)[0]
    assert f"A row of the table {table} in the store cannot be read" in caplog.text
    assert "'cp01'" in caplog.text
    await store.commit([Remembered("cp01", record) for record in RECORDS])
    memory = (await store.memories())["cp01"]
    assert memory.charger == ChargerRecord()
    assert {connector(1), connector(2)} <= set(memory.connectors)
    assert memory.faults == (fault(1), fault(2))
    await store.close()


BEGUN = "2026-03-01T12:00:00+00:00"
NO_PHASES = [
    "7",
    "'{'",
    "'[]'",
    "'{}'",
    f"""'{{"begun":"{BEGUN}","names":["x"],"phases":[[1,2.5,0]]}}'""",
    f"""'{{"begun":"{BEGUN}","names":["x"],"phases":[[0,"2",0]]}}'""",
    f"""'{{"begun":"{BEGUN}","names":[7],"phases":[[0,2.5,0]]}}'""",
    f"""'{{"begun":"{BEGUN}","names":["x"],"phases":[[0,2.5,{10**18}]]}}'""",
    f"""'{{"begun":"{BEGUN}","names":["x"],"phases":[[0,1e999,0]]}}'""",
    """'{"begun":"noon","names":["x"],"phases":[[0,2.5,0]]}'""",
]


@pytest.mark.parametrize("phases", NO_PHASES)
async def test_phases_that_make_no_sense_cost_their_session(
    path: Path, phases: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = SqliteStore(path)
    stays = SessionRecord(2, 2, Energy(), phases=(Phase("x", NOON, 2.5), Phase("y", NOON, 0.1), Phase("x", NOON, 0.0)))
    await store.commit([Remembered("cp01", SessionRecord(1, 1, Energy())), Remembered("cp01", stays)])
    with foreign(path) as other:
        other.execute(f"UPDATE sessions SET phases = {phases} WHERE number = 1")  # noqa: S608 - as written above
    assert await store.memories() == {"cp01": Memory(sessions=(stays,))}
    assert "A row of the table sessions in the store cannot be read" in caplog.text
    await store.close()


async def test_what_an_older_or_newer_version_wrote_takes_the_defaults(path: Path) -> None:
    store = SqliteStore(path)
    await store.open()
    with closing(sqlite3.connect(path)) as other, other:
        other.execute(
            "INSERT INTO chargers (key, boot, security_profile, relative_meter) "
            """VALUES ('cp01', '{"vendor":"V","model":null,"colour":"red"}', 0, 0)"""
        )
    boot = (await store.memories())["cp01"].charger
    await store.close()
    assert boot is not None
    assert boot.boot is not None
    assert (boot.boot.vendor, boot.boot.model, boot.boot.firmware) == ("V", None, None)
