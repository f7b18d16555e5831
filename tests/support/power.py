"""A disk whose power can be cut: a layer (VFS) under the very SQLite that evgate runs on records what is written.

`RecordingDisk` takes down every write, truncation, sync and deletion of a database, its log and its journal, in order,
while they go on to the real disk; told to fail, it answers as a failing one would. `power_cuts` says what a card may
hold when the power goes at some instant: what was synced, and of the rest any part, down to single sectors.
"""

from __future__ import annotations

import _sqlite3
import ctypes
import os
import random
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

SECTOR_BYTES = 512
"""The smallest part that a disk writes as a whole."""

_CHANCES = (0.0, 0.1, 0.5, 0.9, 1.0)
"""How likely an unsynced write was carried out nevertheless, drawn for each cut: cards differ."""

# Flags with which SQLite opens a file.
_CREATE = 0x4
_DATABASE, _JOURNAL, _LOG = 0x100, 0x800, 0x80000
_WATCHED = _DATABASE | _JOURNAL | _LOG


@dataclass(frozen=True, slots=True)
class Written:
    file: str
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Truncated:
    file: str
    size: int


@dataclass(frozen=True, slots=True)
class Synced:
    """The first sync of a log or journal syncs the folder as well, and with it what was deleted there."""

    file: str
    folder: bool


@dataclass(frozen=True, slots=True)
class Deleted:
    file: str
    folder: bool
    """Was the folder synced with it?"""


@dataclass(frozen=True, slots=True)
class Mark:
    """Put in by the test, to know between which instants something happened."""

    what: str
    count: int


Entry = Written | Truncated | Synced | Deleted | Mark


class RecordingDisk:
    """`entries` is what happened, `failure` the result code that the next writes and syncs get instead of success."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.failure: int | None = None
        self._names: dict[int, str] = {}
        self._unsynced_in_folder: set[int] = set()
        self._methods: dict[int, _Methods] = {}
        library = _library()
        self._usual = _Vfs.from_address(library.sqlite3_vfs_find(None))
        self._vfs = _Vfs.from_buffer_copy(self._usual)
        self._vfs.name = b"recording"
        self._vfs.next = None
        self._callbacks = [_OPEN(self._open), _DELETE(self._delete)]
        self._vfs.open, self._vfs.delete = (ctypes.cast(one, ctypes.c_void_p) for one in self._callbacks)
        _KEPT.append(self)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """What is opened meanwhile is opened through it."""
        library = _library()
        assert library.sqlite3_vfs_register(ctypes.byref(self._vfs), 1) == 0
        try:
            yield
        finally:
            library.sqlite3_vfs_unregister(ctypes.byref(self._vfs))
            library.sqlite3_vfs_register(ctypes.byref(self._usual), 1)

    def mark(self, what: str, count: int) -> None:
        self.entries.append(Mark(what, count))

    def written_bytes(self, suffix: str, since: int = 0) -> int:
        """Bytes written to the file with this suffix since an index of `entries`."""
        found = (one for one in self.entries[since:] if isinstance(one, Written) and one.file.endswith(suffix))
        return sum(len(one.data) for one in found)

    def _open(self, vfs: int, path: int | None, file: int, flags: int, out: int) -> int:
        code: int = _OPEN(self._usual.open)(ctypes.addressof(self._usual), path, file, flags, out)
        methods = ctypes.c_void_p.from_address(file)
        if code == 0 and path is not None and flags & _WATCHED and methods.value:
            self._names[file] = _name(path)
            if flags & _CREATE and not flags & _DATABASE:
                self._unsynced_in_folder.add(file)
            methods.value = self._watching(methods.value)
        return code

    def _delete(self, vfs: int, path: int, sync_folder: int) -> int:
        code: int = _DELETE(self._usual.delete)(ctypes.addressof(self._usual), path, sync_folder)
        if code == 0:
            self.entries.append(Deleted(_name(path), bool(sync_folder)))
        return code

    def _watching(self, usual_address: int) -> int:
        """The address of the methods of a file, with three of them looked at."""
        if usual_address not in self._methods:
            methods = _Methods.from_buffer_copy(_Methods.from_address(usual_address))
            write, truncate, sync = _WRITE(methods.write), _TRUNCATE(methods.truncate), _SYNC(methods.sync)

            def on_write(file: int, data: int, size: int, offset: int) -> int:
                written = Written(self._names[file], offset, ctypes.string_at(data, size))
                return self._carry_out(written, lambda: write(file, data, size, offset))

            def on_truncate(file: int, size: int) -> int:
                return self._carry_out(Truncated(self._names[file], size), lambda: truncate(file, size))

            def on_sync(file: int, flags: int) -> int:
                synced = Synced(self._names[file], folder=file in self._unsynced_in_folder)
                self._unsynced_in_folder.discard(file)
                return self._carry_out(synced, lambda: sync(file, flags))

            callbacks = (_WRITE(on_write), _TRUNCATE(on_truncate), _SYNC(on_sync))
            self._callbacks.extend(callbacks)
            methods.write, methods.truncate, methods.sync = (ctypes.cast(one, ctypes.c_void_p) for one in callbacks)
            self._methods[usual_address] = methods
        return ctypes.addressof(self._methods[usual_address])

    def _carry_out(self, entry: Entry, go_on: Callable[[], int]) -> int:
        if self.failure is not None:
            return self.failure
        code = go_on()
        if code == 0:
            self.entries.append(entry)
        return code


def _name(path: int) -> str:
    return os.path.basename(ctypes.string_at(path)).decode()


def power_cuts(
    entries: Sequence[Entry], points: Iterable[int], dice: random.Random
) -> Iterator[tuple[int, dict[str, bytes]]]:
    """For each point, an index of `entries`: what the files may hold when the power goes just before that entry."""
    durable: defaultdict[str, bytearray] = defaultdict(bytearray)
    waiting: defaultdict[str, list[Entry]] = defaultdict(list)
    at = 0
    for point in sorted(points):
        for entry in entries[at:point]:
            match entry:
                case Written(file) | Truncated(file):
                    waiting[file].append(entry)
                case Synced(file, folder):
                    for one in waiting.pop(file, ()):
                        _apply(durable[file], one)
                    if folder:
                        _forget_deleted(durable, waiting)
                case Deleted(file, with_folder):
                    waiting[file].append(entry)
                    if with_folder:
                        _forget_deleted(durable, waiting)
        at = point
        chance = dice.choice(_CHANCES)
        files = {name: bytearray(content) for name, content in durable.items()}
        for name, unsynced in waiting.items():
            content = files.setdefault(name, bytearray())
            for one in unsynced:
                for part in _what_remains(one, chance, dice):
                    _apply(content, part)
        yield point, {name: bytes(content) for name, content in files.items()}


def _forget_deleted(durable: dict[str, bytearray], waiting: dict[str, list[Entry]]) -> None:
    """The folder was synced: of a file that was deleted, only what came afterwards under its name is left."""
    for file, unsynced in waiting.items():
        deletions = [index for index, one in enumerate(unsynced) if isinstance(one, Deleted)]
        if deletions:
            durable[file] = bytearray()
            waiting[file] = unsynced[deletions[-1] + 1 :]


def _what_remains(entry: Entry, chance: float, dice: random.Random) -> Iterator[Entry]:
    """All of an unsynced entry, nothing, or some sectors of it."""
    if isinstance(entry, Written) and dice.random() < 0.3:
        start, end = entry.offset, entry.offset + len(entry.data)
        for sector in range(start - start % SECTOR_BYTES, end, SECTOR_BYTES):
            begin, stop = max(sector, start), min(sector + SECTOR_BYTES, end)
            if dice.random() < chance:
                yield Written(entry.file, begin, entry.data[begin - start : stop - start])
    elif dice.random() < chance:
        yield entry


def _apply(content: bytearray, entry: Entry) -> None:
    match entry:
        case Written(_, offset, data):
            content.extend(bytes(max(0, offset - len(content))))
            content[offset : offset + len(data)] = data
        case Truncated(_, size):
            del content[size:]
        case Deleted():
            content.clear()


# SQLite's own structures, from sqlite3.h: files and the functions that make them.

# Paths are passed on as the pointers that they are: an open file keeps its own.
_OPEN = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
_DELETE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)
_WRITE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_int64)
_TRUNCATE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int64)
_SYNC = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int)


class _Vfs(ctypes.Structure):
    _fields_ = (
        ("version", ctypes.c_int),
        ("file_bytes", ctypes.c_int),
        ("longest_path", ctypes.c_int),
        ("next", ctypes.c_void_p),
        ("name", ctypes.c_char_p),
        ("data", ctypes.c_void_p),
        ("open", ctypes.c_void_p),
        ("delete", ctypes.c_void_p),
        ("others", ctypes.c_void_p * 14),
    )


class _Methods(ctypes.Structure):
    _fields_ = (
        ("version", ctypes.c_int),
        ("close", ctypes.c_void_p),
        ("read", ctypes.c_void_p),
        ("write", ctypes.c_void_p),
        ("truncate", ctypes.c_void_p),
        ("sync", ctypes.c_void_p),
        ("others", ctypes.c_void_p * 13),
    )


_KEPT: list[RecordingDisk] = []
"""SQLite may call into a disk as long as the process lives."""


def _library() -> Any:
    """The SQLite that the standard library's module is linked with; another copy would not see the layer."""
    library = ctypes.CDLL(_sqlite3.__file__)
    library.sqlite3_libversion.restype = ctypes.c_char_p
    assert library.sqlite3_libversion().decode() == sqlite3.sqlite_version
    library.sqlite3_vfs_find.restype = ctypes.c_void_p
    return library
