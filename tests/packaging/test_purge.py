"""Purging the package: what was never delivered stays, everything else goes. The script runs as dpkg runs it."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from gateway.adapters.sqlite_store.database import MIGRATIONS, open_database
from gateway.adapters.sqlite_store.memories import remember
from gateway.core.energy import Energy
from gateway.core.memory import ChargerRecord, SessionRecord
from tests.counts import ROOT

POSTRM = ROOT / "debian" / "evgate.postrm"
NEEDED = ("sh", "date", "mkdir", "mv", "rm")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """The root of a machine on which evgate ran and was removed; its store knows a charger."""
    state = tmp_path / "var/lib/evgate"
    state.mkdir(parents=True)
    (tmp_path / "etc/evgate/conf.d").mkdir(parents=True)
    (tmp_path / "etc/evgate/conf.d/site.toml").write_text('[site]\nid = "depot3"\n')
    with closing(open_database(state / "evgate.db")) as database:
        database.execute(
            "INSERT INTO stations (identity, key, slug, first_seen) VALUES ('CP01', 'cp01', 'cp01', '2026')"
        )
        remember(database, "cp01", ChargerRecord())
        remember(database, "cp01", SessionRecord(1, 1, Energy(), transaction_id=7))
    return tmp_path


def store(machine: Path) -> Path:
    return machine / "var/lib/evgate/evgate.db"


def run(machine: Path, action: str, path: str | None = None) -> str:
    """Run the script; returns what it told the person at the machine."""
    with_python = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {"DPKG_ROOT": str(machine), "PATH": path or with_python}
    done = subprocess.run(["/bin/sh", POSTRM, action], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
    return done.stderr


def kept(machine: Path) -> Path:
    """The one folder that was moved aside."""
    (folder,) = (machine / "var/backups").iterdir()
    return folder


def files(machine: Path) -> set[Path]:
    return {path for path in machine.rglob("*") if path.is_file()}


def test_nothing_is_left_where_nothing_waits(machine: Path) -> None:
    assert run(machine, "purge") == ""
    assert files(machine) == set()
    assert not (machine / "var/lib/evgate").exists()
    assert not (machine / "etc/evgate").exists()


def test_nothing_is_left_where_the_daemon_never_ran(tmp_path: Path) -> None:
    assert run(tmp_path, "purge") == ""
    assert files(tmp_path) == set()


@pytest.mark.parametrize("action", ["remove", "upgrade", "abort-install"])
def test_everything_else_leaves_all_as_it_is(machine: Path, action: str) -> None:
    before = files(machine)
    assert run(machine, action) == ""
    assert files(machine) == before


def test_rows_of_a_table_that_it_does_not_know_are_moved_aside(machine: Path) -> None:
    with closing(sqlite3.connect(store(machine))) as database, database:
        database.execute("CREATE TABLE journal (record TEXT)")
        database.execute("INSERT INTO journal VALUES ('StopTransaction')")
    said = run(machine, "purge")
    assert str(kept(machine)) in said
    assert kept(machine).stat().st_mode & 0o777 == 0o700
    with closing(sqlite3.connect(kept(machine) / "evgate.db")) as database:
        assert database.execute("SELECT record FROM journal").fetchall() == [("StopTransaction",)]
    assert not store(machine).exists()
    assert not (machine / "etc/evgate").exists()


def test_an_empty_table_that_it_does_not_know_holds_nothing(machine: Path) -> None:
    with closing(sqlite3.connect(store(machine))) as database:
        database.execute("CREATE TABLE journal (record TEXT)")
    assert run(machine, "purge") == ""
    assert files(machine) == set()


def test_rows_that_stand_in_the_log_only_count(machine: Path) -> None:
    crashed = machine / "crashed"
    crashed.mkdir()
    with closing(open_database(store(machine))) as database:
        database.execute("CREATE TABLE journal (record TEXT)")
        database.execute("INSERT INTO journal VALUES ('StopTransaction')")
        for name in ("evgate.db", "evgate.db-wal"):
            shutil.copy(store(machine).with_name(name), crashed)
    for file in store(machine).parent.iterdir():
        file.unlink()
    for file in crashed.iterdir():
        file.rename(store(machine).with_name(file.name))
    run(machine, "purge")
    with closing(sqlite3.connect(kept(machine) / "evgate.db")) as database:
        assert database.execute("SELECT record FROM journal").fetchall() == [("StopTransaction",)]


def test_what_cannot_be_read_is_moved_aside(machine: Path) -> None:
    store(machine).write_bytes(b"\xff" * 8192)
    run(machine, "purge")
    assert (kept(machine) / "evgate.db").read_bytes() == b"\xff" * 8192


def test_a_damaged_store_beside_the_present_one_counts(machine: Path) -> None:
    aside = "evgate.db.damaged-20260301T120000"
    store(machine).with_name(aside).write_bytes(b"\xff" * 8192)
    run(machine, "purge")
    assert {file.name for file in kept(machine).iterdir()} == {"evgate.db", aside}


def test_without_python_the_store_is_moved_aside(machine: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    tools = tmp_path_factory.mktemp("tools")
    for name in NEEDED:
        (tools / name).symlink_to(str(shutil.which(name)))
    assert str(machine / "var/backups") in run(machine, "purge", path=str(tools))
    assert (kept(machine) / "evgate.db").exists()


def test_what_it_calls_harmless_are_tables_of_the_store() -> None:
    """A table that was renamed would be harmless for ever, whatever it holds under its old name."""
    harmless = re.search(r"HARMLESS = \{(.*?)\}", POSTRM.read_text(), re.DOTALL)
    assert harmless is not None
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript("\n".join(MIGRATIONS))
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert set(re.findall(r'"(\w+)"', harmless[1])) == tables
