"""The store in SQLite.

`store` is what the event loop sees, `writer` the thread behind it, `database` the file, `stations`
and `clock` their rows, and `failures` says in sentences what went wrong.
"""

from gateway.adapters.sqlite_store.store import SqliteStore

__all__ = ["SqliteStore"]
