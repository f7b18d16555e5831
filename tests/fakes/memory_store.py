"""The `Store` port in memory: what is committed lives in a `Disk`, which outlives the store as a file would."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.core.clock_trust import TrustRecord
from gateway.core.record import StationRecord
from gateway.runtime.ports import Change, ForgottenStation, SavedStation, SavedTrust, StoreFailed


class Disk(dict[str, StationRecord]):
    """The rows of the stations by key, and the one of the clock."""

    trust: TrustRecord | None = None


class MemoryStore:
    """Obeys the port; `failure`, once set, is the sentence with which every call fails until it is None again."""

    def __init__(self, disk: Disk | None = None) -> None:
        self.disk = Disk() if disk is None else disk
        self.failure: str | None = None
        self.commits: list[tuple[Change, ...]] = []
        """What was committed, one entry per call that succeeded."""
        self._closed = False

    async def open(self) -> None:
        self._check()

    async def commit(self, changes: Sequence[Change]) -> None:
        self._check()
        after = dict(self.disk)
        for change in changes:
            if isinstance(change, SavedStation):
                after[change.record.key] = change.record
            elif isinstance(change, ForgottenStation):
                after.pop(change.key, None)
        if len({record.slug for record in after.values()}) < len(after):
            raise StoreFailed("Two stations share a slug. Report this.")
        self.disk.clear()
        self.disk.update(after)
        for change in changes:
            if isinstance(change, SavedTrust):
                self.disk.trust = change.record
        self.commits.append(tuple(changes))

    async def stations(self) -> list[StationRecord]:
        self._check()
        return list(self.disk.values())

    async def trust(self) -> TrustRecord | None:
        self._check()
        return self.disk.trust

    @property
    def size_bytes(self) -> int | None:
        return 100 * len(self.disk) if self.commits else None

    async def close(self) -> None:
        self._closed = True

    def _check(self) -> None:
        if self._closed:
            raise StoreFailed("The store is closed. Open another one.")
        if self.failure is not None:
            raise StoreFailed(self.failure)
