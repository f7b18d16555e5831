"""The SQLite store and its file: how it is made, whose it is, its versions, and what is said when it fails."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.adapters.sqlite_store import SqliteStore
from gateway.adapters.sqlite_store.database import APPLICATION_ID, MIGRATIONS, migrate, open_database
from gateway.adapters.sqlite_store.failures import failed
from gateway.adapters.sqlite_store.memories import TABLES
from gateway.core.record import StationRecord
from gateway.runtime.ports import SavedStation, StoreFailed, StoreRefused
from tests import counts
from tests.adapters.store_files import CP01, CP02, NOON, child, folder_content, foreign, stations_in

NEWEST = len(MIGRATIONS)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "evgate.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(path)
    await opened.open()
    yield opened
    await opened.close()


async def refusal(path: Path) -> str:
    """The sentence with which the store refuses to open."""
    store = SqliteStore(path)
    with pytest.raises((StoreFailed, StoreRefused)) as caught:
        await store.open()
    await store.close()
    assert str(path) in str(caught.value)
    assert str(caught.value).endswith(".")
    return f"{caught.type.__name__}: {caught.value}"


# The file


async def test_folder_and_files_are_made_for_the_service_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "evgate.db"
    before = os.umask(0)
    try:
        store = SqliteStore(path)
        await store.open()
    finally:
        os.umask(before)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    await store.close()
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o750
    assert modes == {"evgate.db": 0o640, "evgate.db-wal": 0o640, "evgate.db-shm": 0o640}


async def test_a_closed_store_leaves_one_file(store: SqliteStore, path: Path) -> None:
    await store.commit([SavedStation(CP01)])
    await store.close()
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    with foreign(path) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert connection.execute("PRAGMA user_version").fetchone() == (NEWEST,)


def test_every_commit_is_synced_and_references_are_checked(path: Path) -> None:
    with closing(open_database(path)) as connection:
        pragmas = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        values = [connection.execute(f"PRAGMA {pragma}").fetchone()[0] for pragma in pragmas]
    full = 2
    assert values == ["wal", full, 1, 5000]


async def test_a_path_with_odd_characters_is_a_path(tmp_path: Path) -> None:
    path = tmp_path / "a?mode=ro#%20 ü.db"
    assert await stations_in(path) == []
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


async def test_a_folder_without_parent_is_not_made(tmp_path: Path) -> None:
    sentence = await refusal(tmp_path / "no" / "where" / "evgate.db")
    assert sentence.startswith("StoreFailed")
    assert "No such file or directory" in sentence
    assert list(tmp_path.iterdir()) == []


async def test_a_folder_in_the_place_of_the_file_is_told(path: Path) -> None:
    path.mkdir()
    assert "Is a directory" in await refusal(path)


async def test_a_file_in_the_place_of_the_folder_is_told(path: Path) -> None:
    path.write_text("")
    assert "Not a directory" in await refusal(path / "evgate.db")


async def test_a_folder_that_takes_no_files_is_told() -> None:
    assert (await refusal(Path("/proc/evgate.db"))).startswith("StoreFailed")


async def test_a_store_that_may_only_be_read_is_told() -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "evgate.db"
        sentence = await child("read_only", path)
        path.parent.chmod(0o755)
    assert "read but not written" in sentence
    assert sentence.endswith("may write the file and its folder.\n")


# Whose database it is


@pytest.mark.parametrize(
    "content", [b"x", b"[site]\n" * 100, b"SQLite format 2\0" + bytes(100), b"x" + os.urandom(5000)]
)
async def test_what_is_no_database_is_refused_and_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert (await refusal(path)).startswith("StoreRefused")
    assert folder_content(path.parent) == {path.name: content}


async def test_a_database_of_another_program_is_refused_and_left_alone(path: Path) -> None:
    with foreign(path) as connection:
        connection.execute("CREATE TABLE stations (name)")
    before = folder_content(path.parent)
    assert "is not a database of evgate" in await refusal(path)
    assert folder_content(path.parent) == before


async def newer(path: Path) -> None:
    await stations_in(path)
    with foreign(path) as connection:
        connection.execute(f"PRAGMA user_version = {NEWEST + 1}")


async def test_a_newer_database_is_refused_and_left_alone(path: Path) -> None:
    await newer(path)
    before = folder_content(path.parent)
    sentence = await refusal(path)
    assert sentence.startswith("StoreRefused")
    assert f"version {NEWEST + 1}" in sentence
    assert folder_content(path.parent) == before


async def test_a_version_that_stands_in_the_log_only_is_seen(path: Path, tmp_path: Path) -> None:
    """A newer evgate migrated and was killed: the file itself still has the old version."""
    await stations_in(path)
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    with foreign(path) as connection:
        connection.execute(f"PRAGMA user_version = {NEWEST + 1}")
        for name in (path.name, f"{path.name}-wal"):
            shutil.copy(path.with_name(name), crashed)
    before = folder_content(crashed)
    assert set(before) == {path.name, f"{path.name}-wal"}
    assert f"version {NEWEST + 1}" in await refusal(crashed / path.name)
    assert folder_content(crashed) == before


async def test_what_a_crash_left_in_the_log_is_moved_into_the_file(
    store: SqliteStore, path: Path, tmp_path: Path
) -> None:
    await store.commit([SavedStation(CP01)])
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    for name in (path.name, f"{path.name}-wal"):
        shutil.copy(path.with_name(name), crashed)
    next_life = SqliteStore(crashed / path.name)
    await next_life.open()
    log_bytes = (crashed / f"{path.name}-wal").stat().st_size
    stations = await next_life.stations()
    await next_life.close()
    assert log_bytes == 0
    assert stations == [CP01]


async def test_text_is_readable_for_other_programs_where_it_can_be(store: SqliteStore, path: Path) -> None:
    await store.commit([SavedStation(StationRecord(name, f"{name}-", NOON)) for name in ("CP01", "a\0b", "\ud800")])
    with foreign(path) as other:
        kept = other.execute("SELECT typeof(identity), identity FROM stations ORDER BY station").fetchall()
    assert kept == [("text", "CP01"), ("blob", b"a\0b"), ("blob", b"\xed\xa0\x80")]


async def test_a_refused_store_fails_commits_and_is_tried_again(path: Path) -> None:
    await newer(path)
    store = SqliteStore(path)
    with pytest.raises(StoreRefused):
        await store.open()
    with pytest.raises(StoreFailed, match="version"):
        await store.commit([SavedStation(CP01)])
    with pytest.raises(StoreFailed, match="version"):
        await store.stations()
    with foreign(path) as connection:
        connection.execute(f"PRAGMA user_version = {NEWEST}")
    await store.commit([SavedStation(CP01)])
    assert await store.stations() == [CP01]
    await store.close()


async def test_a_row_that_makes_no_sense_is_named(store: SqliteStore, path: Path) -> None:
    await store.commit([SavedStation(CP01), SavedStation(CP02)])
    with foreign(path) as connection:
        connection.execute("UPDATE stations SET first_seen = 'yesterday' WHERE identity = 'CP02'")
    with pytest.raises(StoreFailed, match=r"Row 2 of the table stations .* connects\.$"):
        await store.stations()
    await store.commit([SavedStation(CP02)])
    assert await store.stations() == [CP01, CP02]


# Versions


def test_migrations_are_numbered_without_gaps() -> None:
    folder = counts.ROOT / "gateway" / "adapters" / "sql"
    numbers = sorted(int(file.name[:4]) for file in folder.glob("[0-9]*_*.sql"))
    assert numbers == list(range(1, NEWEST + 1))


@pytest.mark.parametrize("version", range(NEWEST + 1))
async def test_a_store_of_any_version_is_brought_up_to_date(path: Path, version: int) -> None:
    with foreign(path) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        migrate(connection, MIGRATIONS[:version])
        if version:
            connection.execute(
                "INSERT INTO stations (station, identity, key, slug, first_seen) VALUES (7, 'CP02', 'cp02', 'cp02', ?)",
                [str(NOON)],
            )
    assert await stations_in(path) == ([CP02] if version else [])
    with foreign(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (NEWEST,)


def test_a_migration_is_done_as_a_whole_or_not_at_all(path: Path) -> None:
    scripts = ["CREATE TABLE a (x);", "INSERT INTO a VALUES (1);", "CREATE TABLE b (x); CREATE TABLE a (x);"]
    with foreign(path) as connection:
        with pytest.raises(sqlite3.OperationalError, match="already exists"):
            migrate(connection, scripts)
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)
        assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == [("a",)]
        migrate(connection, [*scripts[:2], "INSERT INTO a VALUES (2);"])
        assert connection.execute("SELECT x FROM a").fetchall() == [(1,), (2,)]
        assert connection.execute("PRAGMA user_version").fetchone() == (3,)


def test_every_field_of_a_record_has_its_column() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        migrate(connection, MIGRATIONS)
        for table in TABLES:
            columns = {column for _, column, *_ in connection.execute(f"PRAGMA table_info({table.name})")}
            assert columns - {"id"} == {"key", *table.hints}, table.name


# Sentences

# Statements that make a real SQLite say each of its complaints, and what the store makes of it.
COMPLAINTS = [
    ("INSERT INTO small VALUES (zeroblob(1000000))", "The disk is full"),
    ("INSERT INTO small VALUES (NULL)", "refused a change"),
    ("ATTACH '/nowhere/x.db' AS x", "cannot be opened"),
    ("SELECT * FROM nowhere", "SQLITE_ERROR: no such table"),
]


@pytest.mark.parametrize(("statement", "expected"), COMPLAINTS)
def test_every_complaint_of_sqlite_becomes_a_sentence(statement: str, expected: str) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript("PRAGMA max_page_count = 10; CREATE TABLE small (x NOT NULL)")
        with pytest.raises(sqlite3.Error) as caught:
            connection.execute(statement)
    assert expected in str(failed(caught.value, Path("/var/lib/evgate/evgate.db")))


def test_a_lock_of_another_program_becomes_a_sentence(path: Path) -> None:
    with foreign(path) as one, foreign(path) as other:
        one.execute("BEGIN EXCLUSIVE")
        other.execute("PRAGMA busy_timeout = 0")
        with pytest.raises(sqlite3.OperationalError) as caught:
            other.execute("BEGIN IMMEDIATE")
    assert "Another program keeps the store" in str(failed(caught.value, path))


def test_a_complaint_without_a_code_becomes_a_sentence(path: Path) -> None:
    connection = sqlite3.connect(":memory:")
    connection.close()
    with pytest.raises(sqlite3.ProgrammingError) as caught:
        connection.execute("SELECT 1")
    assert "ProgrammingError" in str(failed(caught.value, path))
