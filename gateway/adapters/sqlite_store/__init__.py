"""The store in SQLite.

`store` is what the event loop sees, `writer` the thread behind it, `database` the file, `aside` what becomes of a
damaged one. `stations`, `memories` and `clock` are the rows, `columns` their values, `retention` says which of them go,
and `failures` says in sentences what went wrong.
"""

from gateway.adapters.sqlite_store.store import SqliteStore

__all__ = ["SqliteStore"]
