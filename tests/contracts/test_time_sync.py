"""What every source of time promises: one suite for the operating system's and for the one that other tests use."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.adapters.time_sync import SystemTimeSync
from gateway.runtime.ports import TimeSync
from tests.fakes.time_sync import StandingTimeSync


@pytest.fixture(params=["system", "standing"])
def time_sync(request: pytest.FixtureRequest, tmp_path: Path) -> TimeSync:
    """Nobody has synchronised its clock."""
    if request.param == "system":
        return SystemTimeSync({"EVGATE_BOOT_ID": "5d7b"}, marker=tmp_path / "marker", ask=[str(tmp_path / "missing")])
    return StandingTimeSync()


def test_time_since_the_boot_goes_forward(time_sync: TimeSync) -> None:
    before = time_sync.boottime_s()
    assert 0.0 < before <= time_sync.boottime_s()


def test_the_boot_keeps_its_name(time_sync: TimeSync) -> None:
    assert time_sync.boot_id == time_sync.boot_id == "5d7b"


async def test_nobody_vouches_for_the_clock(time_sync: TimeSync) -> None:
    assert await time_sync.synced_by() is None
